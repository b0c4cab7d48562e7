"""The style sheets of the HTML outputs: one class holds everything, light and dark."""

from __future__ import annotations

__all__ = ["FRAGMENT_STYLE", "PAGE_STYLE"]

_LIGHT = "--tc-quiet:#595f69;--tc-line:#d5d9e0;--tc-accent:#1a5fb4;--tc-wash:#f3f5f9;"
_DARK = "--tc-quiet:#a9b1bd;--tc-line:#454c57;--tc-accent:#8ab4f8;--tc-wash:#23272e;"
_DARK_HOSTS = (
    '[data-jp-theme-light="false"] .tensorcalc',
    ".vscode-dark .tensorcalc",
    'html[theme="dark"] .tensorcalc',
    '[data-theme="dark"] .tensorcalc',
)
_LIGHT_HOSTS = (
    '[data-jp-theme-light="true"] .tensorcalc',
    ".vscode-light .tensorcalc",
    'html[theme="light"] .tensorcalc',
    '[data-theme="light"] .tensorcalc',
)

# The notebook says which theme it has; where it does not, the reader's own setting does.
FRAGMENT_STYLE = f"""
.tensorcalc {{{_LIGHT}color:var(--jp-content-font-color1,inherit);line-height:1.5;max-width:62em}}
@media (prefers-color-scheme:dark) {{.tensorcalc {{{_DARK}}}}}
{",".join(_LIGHT_HOSTS)} {{{_LIGHT}}}
{",".join(_DARK_HOSTS)} {{{_DARK}}}
.tensorcalc .tc-title {{margin:0 0 .1em;font-weight:600}}
.tensorcalc .tc-convention {{margin:0 0 .8em;color:var(--tc-quiet)}}
.tensorcalc .tc-math,.tensorcalc math {{font-family:"STIX Two Math","Cambria Math",
 "Latin Modern Math","DejaVu Math TeX Gyre",serif;font-size:1.08em}}
.tensorcalc .tc-math {{font-family:"STIX Two Text",Cambria,"Latin Modern Roman",
 "TeX Gyre Termes","Liberation Serif","Times New Roman",serif}}
.tensorcalc .tc-math sup,.tensorcalc .tc-math sub {{line-height:0;font-size:.72em}}
.tensorcalc .tc-section {{display:flex;gap:1em;margin:.15em 0}}
.tensorcalc .tc-long {{display:block}}
.tensorcalc .tc-label {{flex:0 0 4.6em}}
.tensorcalc .tc-lines {{flex:1 1 auto;min-width:0}}
.tensorcalc .tc-long .tc-label+.tc-lines {{margin-left:5.6em}}
.tensorcalc p {{margin:.1em 0}}
.tensorcalc .tc-steps {{margin:.9em 0;border-left:3px solid var(--tc-line)}}
.tensorcalc .tc-step {{margin:0;padding:.25em 0 .25em .7em}}
.tensorcalc .tc-bare {{padding-left:1.75em}}
.tensorcalc summary {{cursor:pointer;padding:.1em .2em;border-radius:4px}}
.tensorcalc summary:hover {{background:var(--tc-wash)}}
.tensorcalc summary:focus-visible {{outline:2px solid var(--tc-accent)}}
.tensorcalc .tc-number {{color:var(--tc-accent);font-weight:600;margin-right:.25em}}
.tensorcalc .tc-body {{margin:.1em 0 .3em 2.6em}}
.tensorcalc .tc-scroll {{overflow-x:auto;padding-bottom:.35em}}
.tensorcalc td {{white-space:nowrap;max-width:none;color:inherit}}
.tensorcalc .tc-note,.tensorcalc .tc-rule,.tensorcalc .tc-shape,.tensorcalc .tc-words
 {{color:var(--tc-quiet)}}
.tensorcalc .tc-section .tc-note {{color:inherit}}
.tensorcalc td math {{math-style:normal}}
.tensorcalc .tc-shape {{font-size:.78em;white-space:nowrap}}
.tensorcalc .tc-under {{padding:0 .15em}}
.tensorcalc .tc-picture {{margin:.8em 0;overflow-x:auto}}
.tensorcalc .tc-picture img {{max-width:100%;height:auto}}
@media print {{
.tensorcalc {{{_LIGHT}color:#000}}
.tensorcalc .tc-step,.tensorcalc .tc-section,.tensorcalc .tc-picture {{break-inside:avoid}}
.tensorcalc details::details-content {{content-visibility:visible;height:auto;opacity:1}}
.tensorcalc summary {{list-style:none}}
}}
"""

PAGE_STYLE = """
:root {color-scheme:light dark}
body {margin:0;background:#fff;color:#1b1f24;
 font-family:system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",Arial,sans-serif}
@media (prefers-color-scheme:dark) {body {background:#15181d;color:#e6e9ee}}
main {max-width:62em;margin:0 auto;padding:1.6em 1.2em 3em}
.tensorcalc h1 {font-size:1.6em}
@media print {body {background:#fff;color:#000} main {padding:0;max-width:none}}
@page {margin:18mm}
"""
