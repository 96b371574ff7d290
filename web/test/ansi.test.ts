import assert from 'node:assert/strict';
import test from 'node:test';
import { parseAnsi, plainText } from '../src/ansi';
import { highlight } from '../src/components/log_line';

const ESC = '\x1b';

// Colours become class names, and nothing else of the escape survives.
test('colours become classes', () => {
  assert.deepEqual(parseAnsi(`a${ESC}[1;31mred${ESC}[0mb`), [
    { text: 'a', className: '' }, { text: 'red', className: 'ansi-1 ansi-bold' }, { text: 'b', className: '' },
  ]);
});

// Colours out of 256 and of 16 million land on one of the sixteen that keep their contrast.
test('extended colours map to the nearest of sixteen', () => {
  assert.equal(parseAnsi(`${ESC}[38;5;196mx`)[0]?.className, 'ansi-9');
  assert.equal(parseAnsi(`${ESC}[38;2;10;200;10mx`)[0]?.className, 'ansi-2');
  assert.equal(parseAnsi(`${ESC}[38;5;240mx`)[0]?.className, 'ansi-8');
});

// The parameters of a background colour must not be taken for attributes of their own.
test('background colours are skipped whole', () => {
  assert.deepEqual(parseAnsi(`${ESC}[48;5;1mx`), [{ text: 'x', className: '' }]);
});

// Cursor movement, titles, links and stray controls must not reach the page.
test('other escapes are dropped', () => {
  assert.equal(plainText(`${ESC}[2K${ESC}]0;title\x07${ESC}]8;;http://x${ESC}\\link${ESC}]8;;${ESC}\\\x00\x9b!`), 'link!');
  assert.equal(plainText(`cut off ${ESC}[3`), 'cut off 3');
  assert.equal(plainText(`${ESC}`), '');
});

// A progress line that rewrites itself shows its last state, also when it ends in a return.
test('a carriage return starts the line again', () => {
  assert.equal(plainText('10%\r50%\r100%\r'), '100%');
});

// Markup in a log is text.
test('markup stays text', () => {
  assert.deepEqual(parseAnsi('<b>&amp;'), [{ text: '<b>&amp;', className: '' }]);
});

// A hit that spans two colours is marked in both, and no character is lost.
test('search marks across colours', () => {
  const pieces = highlight(parseAnsi(`one ${ESC}[32mtwo${ESC}[0m three`), 'E TW');
  assert.deepEqual(pieces.filter((p) => p.hit).map((p) => p.text), ['e ', 'tw']);
  assert.equal(pieces.map((p) => p.text).join(''), 'one two three');
});

// A line of megabytes of escapes takes time in proportion to its length; in
// proportion to the square it would take many minutes.
test('hostile lines end', () => {
  const start = performance.now();
  parseAnsi(`${ESC}]`.repeat(200_000));
  parseAnsi(`${ESC}[1;`.repeat(200_000));
  assert.ok(performance.now() - start < 60_000);
});
