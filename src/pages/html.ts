/*
 * This folder makes pages for people, which lie in S3 next to what they describe. Each is one file
 * that needs nothing else: it opens from a link or as a download, runs no script, and loads
 * nothing.
 */

/** Text that is HTML already. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | readonly (string | number | Html)[];

/** HTML from a template. Everything that is put into it is escaped, unless it is HTML itself. */
export const html = (literals: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(literals.map((literal, index) => literal + partText(parts[index] ?? '')).join(''));

const partText = (part: Part): string => {
  if (part instanceof Html) return part.text;
  if (typeof part === 'object') return part.map(partText).join('\n');
  return escaped(String(part));
};

/** Also within quotes. */
const escaped = (text: string): string =>
  text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');

/** A whole page. A browser that heeds the policy runs nothing, whatever stands in the page. */
export const page = (title: string, body: Html): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta
          http-equiv="Content-Security-Policy"
          content="default-src 'none'; style-src 'unsafe-inline'"
        />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          ${new Html(style)}
        </style>
      </head>
      <body>
        <main>
          <h1>${title}</h1>
          ${body}
        </main>
      </body>
    </html> `.text;

/** Terms and what they are, as a list; those without a value are left out. */
export const facts = (rows: readonly (readonly [string, string | Html | undefined])[]): Html =>
  html`<dl>
    ${rows.flatMap(([name, value]) =>
      value === undefined
        ? []
        : [
            html`<dt>${name}</dt>
              <dd>${value}</dd>`,
          ],
    )}
  </dl>`;

export const table = (
  head: readonly string[],
  rows: readonly (readonly (string | Html)[])[],
): Html =>
  html`<table>
    <thead>
      <tr>
        ${head.map((cell) => html`<th>${cell}</th>`)}
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (row) =>
          html`<tr>
            ${row.map((cell) => html`<td>${cell}</td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`;

export const list = (items: readonly (string | Html)[]): Html =>
  html`<ul>
    ${items.map((item) => html`<li>${item}</li>`)}
  </ul>`;

/** Lines to type, or that were said. */
export const lines = (all: readonly string[]): Html => html`<pre>${all.join('\n')}</pre>`;

/** A bar of a part of the whole, from 0 to 1, from some point on. */
export const bar = (from: number, length: number): Html => {
  const percent = (part: number): string => (Math.min(Math.max(part, 0), 1) * 100).toFixed(2);
  return html`<span class="track"
    ><span
      class="bar"
      style="margin-left:${percent(from)}%;width:${percent(Math.max(length, 0.004))}%"
    ></span
  ></span>`;
};

const style = `
:root{color-scheme:light dark;--fg:#1d1d1f;--dim:#60646c;--bg:#fff;--box:#f4f5f7;--line:#d9dce1;--bar:#3b73c4;--good:#1a7f37;--bad:#c62828}
@media(prefers-color-scheme:dark){:root{--fg:#e6e6e6;--dim:#9aa0a6;--bg:#15171a;--box:#1f2226;--line:#33373d;--bar:#6ea0ea;--good:#57c878;--bad:#ff7b72}}
body{margin:0;background:var(--bg);color:var(--fg);font:16px/1.5 system-ui,sans-serif}
main{max-width:60rem;margin:0 auto;padding:1.5rem;overflow-x:auto}
h1{font-size:1.5rem;overflow-wrap:anywhere}h2{font-size:1.1rem;margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1.5rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:break-word}li{overflow-wrap:anywhere}
th{color:var(--dim);font-weight:normal}
pre{background:var(--box);padding:.75rem 1rem;overflow-x:auto;border-radius:4px;font-size:.85rem}
.track{display:block;background:var(--box);min-width:10rem;height:.9rem;margin-top:.3rem}.bar{display:block;background:var(--bar);height:100%}
@media(max-width:40rem){main{padding:1rem}h1{font-size:1.2rem}dl{grid-template-columns:1fr}dt{margin-top:.5rem}.track{min-width:3rem}}
.good{color:var(--good);font-weight:600}.bad{color:var(--bad);font-weight:600}
`;
