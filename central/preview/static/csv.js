// Tables as files for a spreadsheet.

import { h } from "/dom.js";
import { language, say } from "/words.js";

/** Gives a button that saves rows of raw values under a name. */
export function csvButton(name, header, rows) {
  const save = () => {
    const url = URL.createObjectURL(new Blob([text(header, rows())], { type: "text/csv;charset=utf-8" }));
    h("a", { href: url, download: `${name}.csv` }).click();
    setTimeout(() => URL.revokeObjectURL(url), 10_000);
  };
  return h("button", { type: "button", class: "quiet", onclick: save, data: { key: "csv" } }, say("csv"));
}

/** Writes CSV as the language's spreadsheets read it: in Portuguese `;` and a decimal comma. */
export function text(header, rows) {
  const comma = language() === "pt-BR";
  const cell = (value) => {
    if (value === null || value === undefined) return "";
    if (typeof value === "number") return comma ? String(value).replace(".", ",") : String(value);
    // A name that begins like a formula must not be one: callers choose theirs.
    const safe = /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[";,\n\r]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  // The mark at the beginning tells spreadsheets that it is UTF-8.
  return `\ufeff${[header, ...rows].map((row) => row.map(cell).join(comma ? ";" : ",")).join("\r\n")}\r\n`;
}
