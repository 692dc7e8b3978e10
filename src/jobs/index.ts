// Jobs: tasks that know what must be done before them and how many threads they take; nothing here knows what they do. May import: core.
export { runTasks, type Task } from "./pool.ts";
