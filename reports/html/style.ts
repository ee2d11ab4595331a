/** Colours follow the reader's system; on paper everything is open and the tools are gone. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --text: #1b1f24; --faint: #59626d; --page: #fff; --box: #f5f7f9; --line: #d3d9df; --link: #0a58ca;
  --good: #146c2e; --bad: #b3261e; --open: #7a4b00; --heat: 20 108 46; --miss: #fbe3e1; --rare: #fbf0d9; --reach: #e5f3e8;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ec; --faint: #a2adb8; --page: #14181c; --box: #1e242a; --line: #39424b; --link: #7ab7ff;
    --good: #6fd08c; --bad: #ff9d94; --open: #f0b95e; --heat: 111 208 140; --miss: #46201d; --rare: #3d3013; --reach: #15301d;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 4rem; }
body { margin: 0 auto; max-width: 96rem; padding: 0 1rem 4rem; color: var(--text); background: var(--page);
  font: 16px/1.5 system-ui, sans-serif; }
a { color: var(--link); }
a:focus-visible, button:focus-visible, input:focus-visible, select:focus-visible, summary:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
.skip { position: absolute; left: -99rem; }
.skip:focus { position: static; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 0; }
nav { position: sticky; top: 0; z-index: 1; padding: .6rem 0; background: var(--page); border-bottom: 1px solid var(--line); }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; } h3 { margin-top: 2rem; }
.faint { color: var(--faint); } .good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.verdict { font-size: 1.2rem; font-weight: 600; }
.scroll { overflow-x: auto; margin-bottom: 1rem; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
caption { text-align: left; padding: .3rem 0; color: var(--faint); }
th, td { padding: .25rem .6rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line); }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
thead th { background: var(--box); position: sticky; top: 0; }
tr:target, li:target, article:target, details:target { outline: 2px solid var(--link); outline-offset: -2px; }
code, pre { font: .85rem/1.45 ui-monospace, monospace; }
pre { background: var(--box); padding: .7rem; overflow-x: auto; white-space: pre-wrap; overflow-wrap: anywhere; }
td code, li, summary { overflow-wrap: anywhere; }
.heat td.cell { text-align: center; min-width: 2rem; padding: .25rem 0; }
.heat thead th { vertical-align: bottom; } .heat thead th:not(:first-child) { writing-mode: vertical-rl; padding: .6rem .1rem; }
form { display: flex; flex-wrap: wrap; align-items: center; gap: 1rem; margin: .5rem 0 1rem; }
button { font: inherit; padding: .2rem .7rem; color: inherit; background: var(--box); border: 1px solid var(--faint); border-radius: .3rem; cursor: pointer; }
input, select { font: inherit; padding: .25rem .5rem; color: inherit; background: var(--box); border: 1px solid var(--faint); border-radius: .3rem; }
article { border: 1px solid var(--line); border-radius: .5rem; padding: 0 1rem 1rem; margin: 1rem 0; }
.charts { display: flex; flex-wrap: wrap; gap: 1rem; } figure { margin: 0; } figure svg { max-width: 100%; height: auto; }
figure .mark-line path { stroke: var(--link); }
summary { cursor: pointer; padding: .2rem 0; }
details.file, .changed { border-top: 1px solid var(--line); } p.changed { margin: 0; padding: .2rem 0; }
.changed .source td:nth-child(4) { white-space: normal; min-width: 20rem; }
.bar { display: block; width: 8rem; height: .5rem; margin: .35rem 0 .1rem; background: var(--line); print-color-adjust: exact; }
.bar > span { display: block; height: 100%; background: var(--good); print-color-adjust: exact; }
.bar.their { margin-top: 0; } .sums .bar { margin-top: .35rem; } .bar.their > span { background: var(--faint); }
.source { max-height: 80vh; overflow: auto; border: 1px solid var(--line); margin: .5rem 0 1.5rem; }
.source table { font-size: .8rem; }
.source td { padding: 0 .6rem; border: 0; white-space: nowrap; }
.source td:first-child { text-align: right; font-variant-numeric: tabular-nums; color: var(--faint); }
.source td:nth-child(3) { white-space: pre; tab-size: 8; font: .8rem/1.5 ui-monospace, monospace; }
.source tr { print-color-adjust: exact; scroll-margin-top: 8rem; }
:is(.source, .sums) tr.reached { background: var(--reach); } :is(.source, .sums) tr.rarely { background: var(--rare); } :is(.source, .sums) tr.missed { background: var(--miss); }
.source tr.within td:nth-child(2) { color: var(--faint); font-style: italic; }
.source tr.within { background: none; }
.source tr.within.missed { background: var(--miss); }
.missed-only .reached:not(.near), .missed-only .rarely:not(.near), .missed-only .source tr:not([class]) { display: none; }
@media (max-width: 40rem) { nav { position: static; } html { scroll-padding-top: 0; } }
@media print { :root { color-scheme: light; } .heat table { font-size: .6rem; } .heat td.cell { min-width: 0; } .scroll { overflow: visible; }
  .source { max-height: none; overflow: visible; border: 0; } .source table { font-size: .6rem; }
  .source td:nth-child(3) { white-space: pre-wrap; tab-size: 4; font-size: .6rem; }
  details:not(.file)::details-content { content-visibility: visible; block-size: auto; } }
@media print { nav, form, button, .skip { display: none; } body { max-width: none; } thead th { position: static; } a { color: inherit; text-decoration: none; } }
`;
