import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["src/**/*.test.ts", "test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 400_000,
    hookTimeout: 400_000,
    globalSetup: "./test/temporary.ts",
    reporters: ["default", "./test/reporter.ts"],
  },
});
