// Text with terminal colours, as runs of plain text and class names. Nothing
// of a log line ever becomes markup; whatever is not a colour is dropped.

export interface Run { text: string; className: string }

interface Style { fg: number | null; bold: boolean; dim: boolean; italic: boolean; underline: boolean }

const PLAIN: Style = { fg: null, bold: false, dim: false, italic: false, underline: false };
// CSI, OSC (ended by BEL or ST), other strings, two-byte escapes, then single controls.
const ESCAPE =
  /\x1b\[([0-?]*)[ -/]*([@-~])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[PX^_][^\x1b]*(?:\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;

/** The nearest of the sixteen colours that the style sheet has. */
function nearest(r: number, g: number, b: number): number {
  const max = Math.max(r, g, b);
  const min = Math.min(r, g, b);
  if (max - min < 40) return max > 200 ? 15 : max > 100 ? 7 : 8;
  const cut = (max + min) / 2;
  const hue = (r > cut ? 1 : 0) + (g > cut ? 2 : 0) + (b > cut ? 4 : 0);
  return max > 200 ? hue + 8 : hue;
}

function from256(n: number): number {
  if (n < 16) return n;
  if (n >= 232) return nearest(8 + (n - 232) * 10, 8 + (n - 232) * 10, 8 + (n - 232) * 10);
  const level = (v: number) => (v === 0 ? 0 : 55 + v * 40);
  const c = n - 16;
  return nearest(level(Math.floor(c / 36)), level(Math.floor(c / 6) % 6), level(c % 6));
}

function extended(codes: number[], i: number): { fg: number | null; used: number } {
  if (codes[i + 1] === 5) return { fg: from256((codes[i + 2] ?? 0) & 255), used: 2 };
  if (codes[i + 1] === 2) {
    return { fg: nearest(codes[i + 2] ?? 0, codes[i + 3] ?? 0, codes[i + 4] ?? 0), used: 4 };
  }
  return { fg: null, used: codes.length };
}

function apply(style: Style, parameters: string): Style {
  const codes = parameters.split(/[;:]/).map((n) => Number(n) || 0);
  const next = { ...style };
  for (let i = 0; i < codes.length; i++) {
    const c = codes[i]!;
    if (c === 0) Object.assign(next, PLAIN);
    else if (c === 1) next.bold = true;
    else if (c === 2) next.dim = true;
    else if (c === 3) next.italic = true;
    else if (c === 4) next.underline = true;
    else if (c === 22) next.bold = next.dim = false;
    else if (c === 23) next.italic = false;
    else if (c === 24) next.underline = false;
    else if (c >= 30 && c <= 37) next.fg = c - 30;
    else if (c >= 90 && c <= 97) next.fg = c - 82;
    else if (c === 39) next.fg = null;
    else if (c === 38 || c === 48) {
      const { fg, used } = extended(codes, i);
      if (c === 38) next.fg = fg;
      i += used;
    }
  }
  return next;
}

function classes(style: Style): string {
  const names: string[] = [];
  if (style.fg !== null) names.push(`ansi-${style.fg}`);
  if (style.bold) names.push('ansi-bold');
  if (style.dim) names.push('ansi-dim');
  if (style.italic) names.push('ansi-italic');
  if (style.underline) names.push('ansi-underline');
  return names.join(' ');
}

/** What a terminal would leave standing of a line that rewrites itself. */
function afterReturn(line: string): string {
  const trimmed = line.replace(/\r+$/, '');
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1);
}

export function parseAnsi(line: string): Run[] {
  const text = afterReturn(line);
  const runs: Run[] = [];
  let style = PLAIN;
  let from = 0;
  const push = (to: number) => {
    if (to > from) runs.push({ text: text.slice(from, to), className: classes(style) });
  };
  for (const match of text.matchAll(ESCAPE)) {
    push(match.index);
    from = match.index + match[0].length;
    if (match[2] === 'm' && !/[<=>?]/.test(match[1]!)) style = apply(style, match[1]!);
  }
  push(text.length);
  return runs;
}

export const plainText = (line: string) => afterReturn(line).replace(ESCAPE, '');
