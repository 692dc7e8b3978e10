import { expect, it } from "vitest";
import { describeEnd } from "./process.ts";

it("gives a failed process's last words, also where it crashed after them", () => {
  const end = { status: 1, signal: null, lastWords: "a warning\nThe reason." };
  expect(describeEnd(end)).toBe("The reason.");
  expect(describeEnd({ ...end, lastWords: "" })).toBe("ended with status 1");
  expect(describeEnd({ ...end, status: null, signal: "SIGSEGV" })).toBe("The reason. (it was ended by SIGSEGV)");
  expect(describeEnd({ status: null, signal: "SIGSEGV", lastWords: "" })).toBe("was ended by SIGSEGV");
  expect(describeEnd({ ...end, status: null, signal: "SIGKILL" })).toBe("was ended by SIGKILL (out of memory?)");
});
