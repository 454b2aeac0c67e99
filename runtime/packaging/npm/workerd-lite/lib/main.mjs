import main from "./main.js";

export default main.default;
export const version = main.version;
