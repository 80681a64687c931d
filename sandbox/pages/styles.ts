/** The look of every hosted page; one file, as browsers need nothing else. */
export const STYLES = `
:root { color-scheme: light; --ink: #1d2a22; --muted: #5c6b62; --line: #dfe6e1; --paper: #fff; --ground: #f3f6f3; --green: #2f7d4f; --green-dark: #22603c; --soft: #e8f3ec; --red: #b3261e; --red-soft: #fdecea; --amber: #8a5a00; --amber-soft: #fff4dc; }
* { box-sizing: border-box; }
body { margin: 0; min-height: 100vh; display: flex; flex-direction: column; background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
.top { display: flex; align-items: center; justify-content: space-between; padding: 1rem 1.25rem; max-width: 64rem; width: 100%; margin: 0 auto; }
.brand { display: flex; align-items: center; gap: .5rem; font-weight: 700; font-size: 1.15rem; letter-spacing: -.01em; }
.leaf { width: 1.1rem; height: 1.1rem; background: var(--green); border-radius: 0 100% 0 100%; }
.badge { font-size: .75rem; font-weight: 600; color: var(--amber); background: var(--amber-soft); border-radius: 99px; padding: .2rem .65rem; }
main { flex: 1; width: 100%; max-width: 64rem; margin: 0 auto; padding: .5rem 1.25rem 2rem; }
footer { text-align: center; color: var(--muted); font-size: .8rem; padding: 1rem; }
h1 { font-size: 1.35rem; line-height: 1.25; margin: 0 0 .5rem; letter-spacing: -.01em; }
h2 { font-size: 1.05rem; margin: 0 0 .75rem; }
.columns { display: grid; gap: 1.25rem; grid-template-columns: 1fr; }
@media (min-width: 52rem) { .columns { grid-template-columns: 5fr 6fr; align-items: start; gap: 2rem; } }
.card { background: var(--paper); border: 1px solid var(--line); border-radius: 14px; padding: 1.25rem; box-shadow: 0 1px 2px rgb(20 40 28 / 5%); margin-bottom: 1.25rem; }
.card > :first-child { margin-top: 0; }
.card > :last-child { margin-bottom: 0; }
a { color: var(--green-dark); }
.narrow { max-width: 30rem; margin-inline: auto; margin-top: 2rem; }
.center { text-align: center; }
.muted { color: var(--muted); }
.small { font-size: .875rem; }
.price { font-size: 2rem; font-weight: 700; letter-spacing: -.02em; margin: .25rem 0 0; font-variant-numeric: tabular-nums; }
.rows { list-style: none; margin: 1rem 0 0; padding: 0; border-top: 1px solid var(--line); }
.rows li { display: flex; justify-content: space-between; gap: 1rem; padding: .6rem 0; border-bottom: 1px solid var(--line); font-variant-numeric: tabular-nums; align-items: center; flex-wrap: wrap; }
.rows li.total { font-weight: 700; border-bottom: 0; }
.field { margin-bottom: 1rem; }
label, legend { font-weight: 600; font-size: .9rem; padding: 0; }
input[type=email], input[type=text], select { width: 100%; font: inherit; color: inherit; background: #fff; padding: .65rem .75rem; border: 1px solid #b9c6be; border-radius: 9px; margin-top: .3rem; }
input:focus-visible, select:focus-visible, button:focus-visible, a:focus-visible { outline: 3px solid #8fc7a5; outline-offset: 2px; }
fieldset { border: 0; margin: 0 0 1rem; padding: 0; }
.choices { display: grid; gap: .4rem; margin-top: .4rem; grid-template-columns: repeat(auto-fill, minmax(min(100%, 14.5rem), 1fr)); }
.choice { display: flex; gap: .7rem; align-items: center; border: 1px solid var(--line); border-radius: 9px; padding: .55rem .75rem; cursor: pointer; font-weight: 400; }
.choice:has(input:checked) { border-color: var(--green); background: var(--soft); }
.choice input { accent-color: var(--green); width: 1.1rem; height: 1.1rem; margin: 0; flex: none; }
.choice span { display: block; }
.number { font-family: ui-monospace, "SF Mono", Menlo, monospace; font-size: .75rem; overflow-wrap: anywhere; color: var(--muted); }
.inline { display: flex; gap: .5rem; align-items: end; }
.inline > :first-child { flex: 1; }
button, .button { display: inline-block; font: inherit; font-weight: 600; text-align: center; text-decoration: none; border-radius: 9px; border: 1px solid transparent; padding: .7rem 1.1rem; cursor: pointer; background: var(--green); color: #fff; }
a.button.quiet { color: var(--ink); }
button:hover, .button:hover { background: var(--green-dark); }
button.wide { width: 100%; padding: .85rem 1rem; font-size: 1.05rem; }
.quiet { background: #fff; color: var(--ink); border-color: #b9c6be; }
.quiet:hover { background: var(--ground); }
.danger { background: #fff; color: var(--red); border-color: #e3b4b1; }
.danger:hover { background: var(--red-soft); }
button[aria-busy] { opacity: .7; }
.actions { display: flex; flex-wrap: wrap; gap: .6rem; margin-top: 1rem; }
.alert { background: var(--red-soft); color: var(--red); border-radius: 9px; padding: .7rem .9rem; margin: 0 0 1rem; font-weight: 600; }
.note { background: var(--soft); color: var(--green-dark); border-radius: 9px; padding: .7rem .9rem; margin: 0 0 1rem; }
.tag { display: inline-block; font-size: .8rem; font-weight: 600; border-radius: 99px; padding: .15rem .6rem; background: var(--soft); color: var(--green-dark); }
.tag.bad { background: var(--red-soft); color: var(--red); }
.tag.wait { background: var(--amber-soft); color: var(--amber); }
.back { display: inline-block; margin-top: .25rem; color: var(--muted); }
`;
