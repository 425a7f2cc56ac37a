// Python for the cells of a chapter (book/live/in-page.js), and what it costs to load.
export { explained, trouble } from "../compute/troubles.js";
export { MEGABYTES, pythonKernel } from "./kernel.js";
