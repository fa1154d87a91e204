import type { Lines } from "../../data/history.ts";

/** A row for each time: UTC, then a column for each line; empty where nothing is known. */
export function csvOf({ times, lines }: Lines): string {
  const head = [
    "time_utc",
    ...lines.map(({ label, unit }) => quoted(unit === "" ? label : `${label} [${unit}]`)),
  ];
  const rows = times.map((time, index) => {
    const values = lines.map(({ values: column }) => {
      const value = column[index];
      return value === null || value === undefined ? "" : String(value);
    });
    return [new Date(time * 1000).toISOString(), ...values].join(",");
  });
  return `${[head.join(","), ...rows].join("\n")}\n`;
}

const quoted = (text: string): string =>
  /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

/** Hands a text to the browser as a file. */
export function saveText(name: string, text: string, type = "text/csv"): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}
