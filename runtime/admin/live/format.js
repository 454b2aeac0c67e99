// Times and sizes as people read them, in their own zone.

const CLOCK = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", second: "2-digit", fractionalSecondDigits: 3, hourCycle: "h23" });
const FULL = new Intl.DateTimeFormat(undefined, {
  year: "numeric", month: "short", day: "numeric", hour: "2-digit", minute: "2-digit", second: "2-digit",
  fractionalSecondDigits: 3, hourCycle: "h23", timeZoneName: "longOffset",
});
const ZONE = new Intl.DateTimeFormat(undefined, { timeZoneName: "short" });

export const clock = (at) => CLOCK.format(at);
export const full = (at) => `${FULL.format(at)} (${Intl.DateTimeFormat().resolvedOptions().timeZone})`;
export const zone = (at) => ZONE.formatToParts(at).find(({ type }) => type === "timeZoneName")?.value ?? "";

// Milliseconds.
export function took(ms) {
  if (ms < 0.995) return `${Math.max(0, ms).toFixed(2)} ms`;
  if (ms < 99.95) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  if (ms < 99_950) return `${(ms / 1000).toFixed(2)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
}

export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = -1;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}
