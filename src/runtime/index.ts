// ONNX Runtime: sessions, devices, threads, and work in separate processes. It runs serialised models, however they
// were made. May import: core.
export * from "./session.ts";
export { makeUnitCommand, siblingModule, startWork, type Work } from "./work.ts";
