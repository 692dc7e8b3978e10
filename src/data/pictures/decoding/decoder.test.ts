import { expect, it, vi } from "vitest";
import { openDecoder } from "./decoder.ts";

it("says what to install if sharp is missing, and tries again the next time", async () => {
  vi.doMock("sharp", () => {
    throw new Error("Could not load the sharp module");
  });
  await expect(openDecoder()).rejects.toThrow(
    "The package sharp, which decodes images, is not installed for this system. Install it with npm install sharp.",
  );
  vi.doUnmock("sharp");
  const decoder = await openDecoder();
  const read = () => [...decoder.read([{ path: "nothing.png" }], () => "nothing.png")];
  expect(read).toThrow("nothing.png cannot be read as an image: ENOENT");
});
