import { defineConfig } from "vitest/config";

const exclude = ["node_modules/**", "dist/**", ".cache/**"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["**/*.test.ts"],
          exclude: [...exclude, "test/processes/**"],
          testTimeout: 20_000,
          hookTimeout: 60_000,
          maxWorkers: 2,
        },
      },
      {
        test: {
          // Real processes and real time: one file after the other, so that they do not disturb each other's clocks.
          name: "processes",
          include: ["test/processes/**/*.test.ts"],
          exclude,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
