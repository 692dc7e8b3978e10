import { expect, it } from "vitest";
import { describeEnd } from "./process.ts";

it("describes a failure by the last line of output, and the signal after a crash", () => {
  const end = { status: 1, signal: null, errorOutput: "a warning\nThe reason." };
  expect(describeEnd(end)).toBe("The reason.");
  expect(describeEnd({ ...end, errorOutput: "" })).toBe("exited with status 1");
  expect(describeEnd({ ...end, status: null, signal: "SIGSEGV" })).toBe("The reason. (it was killed by SIGSEGV)");
  expect(describeEnd({ status: null, signal: "SIGSEGV", errorOutput: "" })).toBe("was killed by SIGSEGV");
  expect(describeEnd({ ...end, status: null, signal: "SIGKILL" })).toBe("was killed by SIGKILL (out of memory?)");
});
