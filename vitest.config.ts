import { defineConfig } from "vitest/config";

const always = ["node_modules/**", "dist/**", ".cache/**"];
/** Long ones, for `npm run test:full`. */
const exclude = process.env["R_EMS_TEST_FULL"] === "1" ? always : [...always, "**/*.full.test.ts"];
const timing = ["test/processes/vessel.test.ts", "test/processes/chaos.test.ts"];

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
          exclude: [...exclude, ...timing],
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          // Judge real time to the millisecond: `npm test` runs them when nothing else runs.
          name: "timing",
          include: timing,
          exclude,
          testTimeout: 180_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
