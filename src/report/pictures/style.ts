// The styles of the page (one column, figures side by side if they fit; light, dark and print) and of the pictures.

/** Also used outside the page, where a picture has a white background. */
export const pictureStyle =
  "<style>svg:root{background:#fff}.axis{fill:#555}.panel-title{font-weight:600;font-size:12px;fill:#222}.grid{stroke:#8884;stroke-width:.6}.zero{stroke:#555;stroke-width:1}.on-light{fill:#222}.on-dark{fill:#fff}.unsure{opacity:.6}.cell text{font-size:10px;pointer-events:none}</style>";

export const style = `
:root { color-scheme: light dark; --ink: #222; --faint: #666; --paper: #fff; --line: #ddd; --tile: #f5f5f3 }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --faint: #a8a8a8; --paper: #17181a; --line: #3a3b3e; --tile: #222427 } }
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 76rem; padding: 2rem 1.25rem 4rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper) }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; border-top: 1px solid var(--line); padding-top: 1rem }
p { max-width: 46rem; margin: .5rem 0 } .lead { font-size: 1.1rem } .faint { color: var(--faint); font-size: .9rem }
.tiles { display: flex; flex-wrap: wrap; gap: .75rem; margin: 1.25rem 0 }
.tile { background: var(--tile); border-radius: 6px; padding: .6rem .9rem; min-width: 9rem } .tile b { display: block; font-size: 1.3rem; font-variant-numeric: tabular-nums } .tile span { color: var(--faint); font-size: .82rem }
.figures { display: flex; flex-wrap: wrap; gap: 1.5rem 2rem; align-items: flex-start; margin-top: .75rem } svg { max-width: 100%; height: auto }
.axis, .panel-title { fill: var(--ink) !important } .axis { fill: var(--faint) !important } .zero { stroke: var(--faint) !important }
.switches { display: flex; flex-wrap: wrap; gap: .5rem 1.5rem; margin: .75rem 0 } fieldset { border: 0; padding: 0; margin: 0; display: flex; gap: .25rem; align-items: center } legend { float: left; padding: 0 .5rem 0 0; color: var(--faint) }
.switches label { cursor: pointer } .switches input { position: absolute; opacity: 0 } .switches span { display: block; padding: .1rem .6rem; border: 1px solid var(--line); border-radius: 4px } .switches input:checked + span { background: var(--ink); color: var(--paper) } .switches input:focus-visible + span { outline: 2px solid #0072b2 }
.cell:focus, .dot:focus { outline: none } .cell:hover rect, .cell:focus rect { stroke: var(--ink); stroke-width: 1.5 } .dot:focus { stroke: var(--ink); stroke-width: 2 }
#tip { position: fixed; pointer-events: none; white-space: pre-line; background: var(--ink); color: var(--paper); padding: .35rem .6rem; border-radius: 4px; font-size: .85rem; max-width: 20rem; z-index: 1 } #tip[hidden] { display: none }
table { border-collapse: collapse; font-size: .88rem; font-variant-numeric: tabular-nums } th, td { text-align: left; padding: .15rem 1rem .15rem 0; border-bottom: 1px solid var(--line) } td.number, th.number { text-align: right } .scroll { overflow-x: auto }
code { font-size: .9em } details { margin: 1rem 0 } summary { cursor: pointer }
@media print { body { max-width: none; padding: 0 } .scroll { overflow: visible } .switches, #tip, details { display: none } .figures { gap: 1rem } svg { break-inside: avoid } }
`;
