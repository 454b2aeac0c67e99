// Elements. All that is shown is set as text: agents choose URLs and errors.

export function element(name, { text, className, aria = {}, ...more } = {}, ...children) {
  const made = Object.assign(document.createElement(name), more);
  if (text !== undefined) made.textContent = text;
  if (className !== undefined) made.className = className;
  for (const [key, value] of Object.entries(aria)) made.setAttribute(`aria-${key}`, value);
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

// Sets only what differs: what is selected stays selected.
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setClass(node, className) {
  if (node.className !== className) node.className = className;
}

// These children in this order. Those that are in their place are not touched, so that focus stays.
export function arrange(parent, nodes) {
  const wanted = new Set(nodes);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  nodes.forEach((node, index) => {
    if (parent.children[index] !== node) parent.insertBefore(node, parent.children[index] ?? null);
  });
}

// Text that only screen readers read.
export function spoken(text) {
  return element("span", { className: "spoken", text });
}

const status = document.getElementById("status");

// Says something for a moment.
export function say(text) {
  const { textContent: before, dataset } = status;
  if (dataset.said === undefined) dataset.said = before;
  status.textContent = text;
  setTimeout(() => {
    if (status.textContent === text && dataset.said !== undefined) status.textContent = dataset.said;
    delete dataset.said;
  }, 4000);
}

// A button that copies what `text()` gives. Where the clipboard is closed the text is shown to be taken by hand.
export function copyButton(label, name, said, text) {
  const button = element("button", { type: "button", className: "copy", text: label, aria: { label: name } });
  button.addEventListener("click", async () => {
    const copied = text();
    try {
      await navigator.clipboard.writeText(copied);
      say(said);
    } catch {
      const dialog = element("dialog", { className: "by-hand", aria: { label: name } });
      const area = element("textarea", { value: copied, readOnly: true, rows: 16, aria: { label: name } });
      const close = element("button", { type: "button", text: "Close" });
      close.addEventListener("click", () => dialog.close());
      dialog.addEventListener("close", () => dialog.remove());
      dialog.append(element("p", { text: "The browser does not let this page copy. Take the text from here:" }), area, close);
      document.body.append(dialog);
      dialog.showModal();
      area.select();
    }
  });
  return button;
}
