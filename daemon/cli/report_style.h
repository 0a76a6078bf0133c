// Report style: the look of the report page. System fonts, figures of one width, colour only where it says
// something, and never alone.
#pragma once

namespace fettle::cli {

inline constexpr char report_style[] = R"css(
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #1c1c1a; --quiet: #63625c; --rule: #dddbd4; --soft: #f6f5f1;
  --good: #17693a; --warn: #865200; --bad: #ae1f17; --unknown: #5a45a6; --line: #3a6496; --fill: #3a64962e;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #151514; --ink: #e7e5df; --quiet: #a09e96; --rule: #383733; --soft: #1f1f1d;
    --good: #6cc88d; --warn: #e0ad55; --bad: #f2867d; --unknown: #b3a3f2; --line: #8ab4e6; --fill: #8ab4e633;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0 auto; max-width: 68rem; padding: 2.5rem 1.5rem 4rem; background: var(--ground); color: var(--ink);
  font: 0.9375rem/1.5 system-ui, -apple-system, "Segoe UI", "Noto Sans", "DejaVu Sans", sans-serif;
  font-variant-numeric: tabular-nums lining-nums; overflow-wrap: anywhere;
}
code, .code { font-family: ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; font-size: 0.875em; }
h1, h2, h3, p, dl, dd, figure, ul { margin: 0; padding: 0; }
header { border-bottom: 1px solid var(--rule); padding-bottom: 1.5rem; }
h1 { font-size: 2.25rem; line-height: 1.15; font-weight: 650; letter-spacing: -0.015em; }
h1 .status { font-weight: inherit; }
.why { font-size: 1.125rem; margin-top: 0.375rem; max-width: 48rem; white-space: pre-line; }
.meta, .note, .origin { color: var(--quiet); }
.meta { margin-top: 0.75rem; font-size: 0.875rem; }
.origin { font-size: 0.875rem; margin-bottom: 0.5rem; }
.notice { margin-top: 1rem; padding: 0.625rem 0.875rem; border-left: 3px solid var(--unknown); background: var(--soft); }
.glance { display: grid; grid-template-columns: repeat(auto-fit, minmax(10.5rem, 1fr)); gap: 1.25rem 1.5rem;
          margin-top: 1.5rem; }
.glance dt { font-size: 0.8125rem; color: var(--quiet); }
.glance .figure { font-size: 1.375rem; line-height: 1.3; font-weight: 600; letter-spacing: -0.01em; }
.glance .detail { font-size: 0.8125rem; color: var(--quiet); }
section { margin-top: 2.75rem; }
h2 { font-size: 1.25rem; line-height: 1.3; font-weight: 650; margin-bottom: 0.75rem; }
p + table { margin-top: 0.5rem; }
h3 { font-size: 0.9375rem; font-weight: 650; margin: 1.5rem 0 0.375rem; }
.note { font-size: 0.875rem; margin-top: 0.5rem; }
.status { font-weight: 600; white-space: nowrap; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.unknown { color: var(--unknown); } .quiet { color: var(--quiet); font-weight: 400; }
.finding { display: grid; grid-template-columns: 5.5rem 1fr; gap: 0 1rem; padding: 0.625rem 0;
           border-top: 1px solid var(--rule); break-inside: avoid; }
.finding:last-child { border-bottom: 1px solid var(--rule); }
.finding .says { white-space: pre-line; }
.finding .advice { margin-top: 0.125rem; }
.finding .advice b { font-weight: 600; }
.finding .code { color: var(--quiet); }
.pairs > div { display: grid; grid-template-columns: 11rem 1fr; gap: 0 1rem; padding: 0.25rem 0; }
.pairs dt { color: var(--quiet); }
table { border-collapse: collapse; width: 100%; font-size: 0.875rem; line-height: 1.45; }
th, td { text-align: left; vertical-align: baseline; padding: 0.3125rem 1.5rem 0.3125rem 0; border-bottom: 1px solid var(--rule);
         white-space: pre-line; }
th:last-child, td:last-child { padding-right: 0; }
th { color: var(--quiet); font-weight: 500; border-bottom-color: var(--quiet); white-space: nowrap; }
th.number, td.number { text-align: right; white-space: nowrap; }
td.code { min-width: 8rem; } td:first-child { min-width: 9.5rem; }
td.bar { width: 34%; min-width: 8rem; }
tr { break-inside: avoid; }
svg { display: block; }
svg.bar { width: 100%; height: 16px; margin-top: 0.125rem; overflow: visible; }
.bar .done { fill: var(--line); } .bar .before { stroke: var(--ink); stroke-width: 2px; }
.growth { margin: 0.5rem 0 1rem; padding-top: 0.75rem; break-inside: avoid; }
.growth .area { display: grid; grid-template-columns: auto 1fr; gap: 0 0.625rem; }
.growth .scale { display: flex; flex-direction: column; justify-content: space-between; text-align: right;
                 height: 11.2rem; margin: -0.6rem 0; font-size: 0.8125rem; color: var(--quiet); }
.growth svg { width: 100%; height: 10rem; overflow: visible; }
.growth .times { grid-column: 2; display: flex; justify-content: space-between; font-size: 0.8125rem;
                 color: var(--quiet); margin-top: 0.25rem; }
.growth .grid { stroke: var(--rule); } .growth .base { stroke: var(--quiet); }
.growth .fetched { fill: var(--fill); stroke: none; }
.growth .edge, .growth .verified { fill: none; stroke: var(--line); stroke-width: 1.75px; stroke-linejoin: round; }
.growth .verified { stroke: var(--ink); stroke-dasharray: 5 4; }
.growth line, .growth path { vector-effect: non-scaling-stroke; }
.growth figcaption { font-size: 0.8125rem; color: var(--quiet); margin-top: 0.25rem; }
footer { margin-top: 3rem; padding-top: 0.75rem; border-top: 1px solid var(--rule); font-size: 0.8125rem;
         color: var(--quiet); }
@media screen and (max-width: 46rem) {
  body { padding: 1.5rem 1rem 3rem; }
  h1 { font-size: 1.875rem; }
  .finding { grid-template-columns: 1fr; }
  .pairs > div { grid-template-columns: 1fr; padding: 0.375rem 0; }
  table, tbody, tr, td { display: block; width: auto; }
  thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  tr { border-bottom: 1px solid var(--rule); padding: 0.5rem 0; }
  td, td.number { display: grid; grid-template-columns: 8.5rem 1fr; gap: 0 0.75rem; align-items: baseline; border: 0;
                  padding: 0.0625rem 0; text-align: left; white-space: pre-line; }
  td:empty { display: none; }
  td::before { content: attr(data-name); color: var(--quiet); font: 400 0.8125rem/1.45 system-ui, sans-serif; }
  td.bar { width: auto; } td.code, td:first-child { min-width: 0; }
}
@media print {
  :root {
    --ground: #fff; --ink: #000; --quiet: #555; --rule: #ccc; --soft: #fff;
    --good: #17693a; --warn: #865200; --bad: #ae1f17; --unknown: #5a45a6; --line: #3a6496; --fill: #3a64962e;
  }
  @page { margin: 16mm 14mm; }
  html { font-size: 12px; }
  body { max-width: none; padding: 0; }
  h2, h3, h3 + p { break-after: avoid; }
  section { margin-top: 1.75rem; }
  thead { display: table-header-group; }
}
)css";

}  // namespace fettle::cli
