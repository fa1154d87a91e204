const STYLE = `
body{font:14px/1.45 system-ui,"DejaVu Sans",sans-serif;color:#1a1f24;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem;margin:.2rem 0}h2{font-size:1.25rem;margin:2.2rem 0 .4rem;border-bottom:2px solid #1b5fa7;padding-bottom:.2rem}
h3{font-size:1.05rem;margin:1.6rem 0 .3rem}
table{border-collapse:collapse;width:100%;margin:.6rem 0}td,th{border:1px solid #d5dbe1;padding:.2rem .45rem;text-align:left;vertical-align:top}
th{background:#f1f4f7}td.n{text-align:right;white-space:nowrap}
.ok,.fail{white-space:nowrap}td .fail{white-space:normal}.ok{color:#14683a}.fail{color:#a3171f;font-weight:600}.note{color:#55606b}.sim{display:inline-block;background:#8a4b08;color:#fff;padding:0 .5rem;border-radius:3px;font-weight:600}
svg{display:block;width:100%;height:auto;margin:.3rem 0;break-inside:avoid}svg text{font:11px system-ui,"DejaVu Sans",sans-serif;fill:#3d4650}
svg .title{font-weight:600;fill:#1a1f24}svg .grid{stroke:#e4e8ec}svg .limit{stroke:#a3171f;stroke-dasharray:5 4}svg .mark{stroke:#8d97a1;stroke-dasharray:2 3;stroke-width:.8}
svg text.mark{stroke:none;fill:#55606b}svg .dark{fill:#dfe3e7}
.set{width:auto}.set th{font-weight:600}.set tbody th{font-weight:normal}.sign{table-layout:fixed}.sign td{height:2.6rem;vertical-align:bottom}
@media print{body{margin:0;max-width:none;padding:0;font-size:10.5px}a{color:inherit;text-decoration:none}
h2{break-before:page;margin-top:0}h3{break-after:avoid}tr,.sign,.runs,.curves,.set{break-inside:avoid}section+section{break-before:page}thead{display:table-header-group}.head{break-inside:avoid}.theme{break-after:avoid}.first{break-before:auto}}`;

/** Style sheet of a report, on the screen and on paper. @param made - How it was made, for the foot of each page. */
export function reportStyle(title: string, made: string): string {
  return STYLE + printed(title, made);
}

/** Every printed page says what it belongs to, that it is a simulation, and which of how many it is. */
function printed(title: string, made: string): string {
  const quoted = (text: string) => `"${text.replaceAll(/["\\<]/g, "")}"`;
  const style = 'font:8px system-ui,"DejaVu Sans",sans-serif;color:#55606b';
  return `
@page{size:A4;margin:16mm 14mm 16mm;@top-left{content:${quoted(title)};${style}}@top-right{content:"SIMULATION";${style}}
@bottom-left{content:${quoted(made)};${style}}@bottom-right{content:"page " counter(page) " of " counter(pages);${style}}}`;
}
