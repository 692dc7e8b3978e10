// ONNX Runtime: sessions, devices, threads, and work beside the thread that draws progress. It runs serialised models and knows nothing of
// how they were made. May import: core.
export * from "./session.ts";
export { siblingModule, startWork, unitCommand, type Work } from "./work.ts";
