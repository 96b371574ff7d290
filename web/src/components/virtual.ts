// Which rows of a long list are worth drawing.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import type { RefObject } from 'preact';

interface Range { first: number; last: number }

/** Rows [first, last) of count rows of one height that a window of the list shows. */
export function rangeOf(top: number, height: number, row: number, count: number, spare: number): Range {
  const first = Math.max(0, Math.min(count, Math.floor(top / row) - spare));
  const last = Math.min(count, Math.ceil((top + height) / row) + spare);
  return { first, last: Math.max(first, last) };
}

/** Lists up to this long are drawn whole: find-in-page works and nothing jumps. */
const WHOLE = 120;
const SPARE = 12;

/** For a list that scrolls with the page; row heights come from what is drawn. */
export function usePageRange(list: RefObject<HTMLElement>, count: number): Range & { row: number } {
  const [range, setRange] = useState<Range>({ first: 0, last: Math.min(count, 40) });
  const row = useRef(56);
  const whole = count <= WHOLE;
  useLayoutEffect(() => {
    if (whole) return undefined;
    const measure = () => {
      const box = list.current;
      if (!box) return;
      const drawn = box.querySelector<HTMLElement>('[data-row]');
      if (drawn && drawn.offsetHeight > 0) row.current = drawn.offsetHeight;
      const next = rangeOf(-box.getBoundingClientRect().top, innerHeight, row.current, count, SPARE);
      setRange((old) => (old.first === next.first && old.last === next.last ? old : next));
    };
    measure();
    addEventListener('scroll', measure, { passive: true });
    addEventListener('resize', measure);
    return () => {
      removeEventListener('scroll', measure);
      removeEventListener('resize', measure);
    };
  }, [count, whole]);
  return whole ? { first: 0, last: count, row: row.current } : { ...range, row: row.current };
}

/** For a list inside a scrolling box. */
export function useBoxRange(box: RefObject<HTMLElement>, count: number, row: number) {
  const [range, setRange] = useState<Range>({ first: 0, last: Math.min(count, 60) });
  const measure = () => {
    const el = box.current;
    if (!el) return;
    const next = rangeOf(el.scrollTop, el.clientHeight, row, count, SPARE);
    setRange((old) => (old.first === next.first && old.last === next.last ? old : next));
  };
  useLayoutEffect(measure, [count, row]);
  useEffect(() => {
    const el = box.current;
    if (!el) return undefined;
    const watch = new ResizeObserver(measure);
    watch.observe(el);
    return () => watch.disconnect();
  }, [count, row]);
  return { range, measure };
}
