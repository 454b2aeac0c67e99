//! Changes to deno's console: what a script says is bounded (`worker/console_bounds.js`).

use super::{Patch, patch};

const CONSOLE: &str = "ext:deno_web/01_console.js";

pub(super) const PATCHES: &[Patch] = &[
    patch(
        CONSOLE,
        "const denoInspectDefaultOptions = {\n",
        "const bounds = core.loadExtScript(\"ext:workerd_lite/worker/console_bounds.js\");\n\
         const told = core.loadExtScript(\"ext:workerd_lite/worker/console_arguments.js\");\n\n\
         const denoInspectDefaultOptions = {\n",
    ),
    patch(
        CONSOLE,
        "  return op_console_format_value(intrinsics, ctx, value, recurseTimes ?? 0);\n",
        "  bounds.checkStack();\n  \
           return op_console_format_value(intrinsics, bounds.boundedOptions(ctx), value, recurseTimes ?? 0);\n",
    ),
    patch(
        CONSOLE,
        "  return op_console_inspect_args(intrinsics, args, {\n    __proto__: null,\n    ...inspectOptions,\n",
        "  bounds.checkStack();\n  return op_console_inspect_args(intrinsics, args, {\n    __proto__: null,\n    \
             ...bounds.boundedOptions(inspectOptions),\n",
    ),
    patch(
        CONSOLE,
        "  return op_console_inspect(intrinsics, value, inspectOptions);\n",
        "  bounds.checkStack();\n  return op_console_inspect(intrinsics, value, bounds.boundedOptions(inspectOptions));\n",
    ),
    patch(
        CONSOLE,
        "  #getWrap() {\n",
        "  #label = bounds.labels();\n\n  #getWrap() {\n    bounds.checkStack();\n",
    ),
    patch(
        CONSOLE,
        "    this.#getWrap().dir(obj, options);\n",
        "    this.#getWrap().dir(obj, bounds.boundedOptions(options));\n",
    ),
    patch(
        CONSOLE,
        "    this.#getWrap().table(data, properties);\n",
        "    const wrap = this.#getWrap();\n    const columns = bounds.boundedProperties(properties);\n    \
             const asked = typeof columns === \"object\" && columns !== null ? columns : undefined;\n    \
             wrap.table(bounds.boundedTable(data, asked, inspect), columns);\n",
    ),
    patch(
        CONSOLE,
        "    this.#getWrap().indentLevel++;\n",
        "    const wrap = this.#getWrap();\n    if (wrap.indentLevel < bounds.MOST_INDENTED / 2) wrap.indentLevel++;\n",
    ),
    // The calls whose lines tail workers are told of: with what they were called (`worker/console_arguments.js`).
    patch(
        CONSOLE,
        "    this.#getWrap().log(...new SafeArrayIterator(args));\n",
        "    const before = told.begin(args);\n    try {\n      this.#getWrap().log(...new SafeArrayIterator(args));\n    } catch (error) {\n      \
             this.#getWrap().log(...new SafeArrayIterator(bounds.unformatted(args, error)));\n    } finally {\n      \
             told.end(before);\n    }\n",
    ),
    patch(
        CONSOLE,
        "    this.#getWrap().debug(...new SafeArrayIterator(args));\n",
        "    const before = told.begin(args);\n    try {\n      this.#getWrap().debug(...new SafeArrayIterator(args));\n    } catch (error) {\n      \
             this.#getWrap().debug(...new SafeArrayIterator(bounds.unformatted(args, error)));\n    } finally {\n      \
             told.end(before);\n    }\n",
    ),
    patch(
        CONSOLE,
        "    this.#getWrap().info(...new SafeArrayIterator(args));\n",
        "    const before = told.begin(args);\n    try {\n      this.#getWrap().info(...new SafeArrayIterator(args));\n    } catch (error) {\n      \
             this.#getWrap().info(...new SafeArrayIterator(bounds.unformatted(args, error)));\n    } finally {\n      \
             told.end(before);\n    }\n",
    ),
    patch(
        CONSOLE,
        "    this.#getWrap().warn(...new SafeArrayIterator(args));\n",
        "    const before = told.begin(args);\n    try {\n      this.#getWrap().warn(...new SafeArrayIterator(args));\n    } catch (error) {\n      \
             this.#getWrap().warn(...new SafeArrayIterator(bounds.unformatted(args, error)));\n    } finally {\n      \
             told.end(before);\n    }\n",
    ),
    patch(
        CONSOLE,
        "    this.#getWrap().error(...new SafeArrayIterator(args));\n",
        "    const before = told.begin(args);\n    try {\n      this.#getWrap().error(...new SafeArrayIterator(args));\n    } catch (error) {\n      \
             this.#getWrap().error(...new SafeArrayIterator(bounds.unformatted(args, error)));\n    } finally {\n      \
             told.end(before);\n    }\n",
    ),
    patch(CONSOLE, ".count(String(label));\n", ".count(this.#label(label));\n"),
    patch(
        CONSOLE,
        ".countReset(String(label));\n",
        ".countReset(this.#label(label));\n",
    ),
    patch(CONSOLE, ".time(String(label));\n", ".time(this.#label(label));\n"),
    patch(CONSOLE, ".timeLog(String(label), ", ".timeLog(this.#label(label), "),
    patch(CONSOLE, ".timeEnd(String(label));\n", ".timeEnd(this.#label(label));\n"),
];
