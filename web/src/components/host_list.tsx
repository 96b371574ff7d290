import { useRef } from 'preact/hooks';
import { clearSelection, selectAll, selection, visibleIds } from '../view';
import { COMPARTMENTS } from '../words';
import { HostRow } from './host_row';
import { usePageRange } from './virtual';

function SelectAll({ ids }: { ids: string[] }) {
  const chosen = ids.filter((id) => selection.value.has(id)).length;
  const all = ids.length > 0 && chosen === ids.length;
  return (
    <label class="row-select">
      <input type="checkbox" checked={all} indeterminate={chosen > 0 && !all}
        aria-label="Select all hosts that are shown"
        onChange={() => (all ? clearSelection() : selectAll(ids))} />
    </label>
  );
}

/** Up and down go from row to row, staying in the column. */
function step(event: KeyboardEvent): void {
  const down = event.key === 'ArrowDown';
  if (!down && event.key !== 'ArrowUp') return;
  const here = event.target as HTMLElement;
  const row = here.closest<HTMLElement>('[data-row]');
  const next = (down ? row?.nextElementSibling : row?.previousElementSibling) as HTMLElement | null | undefined;
  if (!row || !next?.matches('[data-row]')) return;
  const focusable = 'a, button, input';
  const at = [...row.querySelectorAll(focusable)].indexOf(here);
  const targets = next.querySelectorAll<HTMLElement>(focusable);
  (targets[Math.min(at, targets.length - 1)] ?? targets[0])?.focus();
  event.preventDefault();
}

export function HostList() {
  const ids = visibleIds.value;
  const body = useRef<HTMLDivElement>(null);
  const { first, last, row } = usePageRange(body, ids.length);
  return (
    <div class="host-table" role="table" aria-label="Hosts" aria-rowcount={ids.length + 1}>
      <div role="rowgroup" class="host-head">
        <div role="row" class="host-row host-row-head" aria-rowindex={1}>
          <div role="columnheader" class="cell-select"><SelectAll ids={ids} /></div>
          <div role="columnheader">Host</div>
          <div role="columnheader" class="cell-sentence">Status</div>
          {COMPARTMENTS.map((c) => (
            <div role="columnheader" key={c.name} class="cell-compartment" title={c.about}>{c.label}</div>
          ))}
          <div role="columnheader" class="cell-metrics">Load</div>
          <div role="columnheader" class="cell-actions"><span class="visually-hidden">Actions</span></div>
        </div>
      </div>
      <div role="rowgroup" ref={body} class="host-body" onKeyDown={step}
        style={{ '--above': `${first * row}px`, '--below': `${(ids.length - last) * row}px` }}>
        {ids.slice(first, last).map((id, i) => <HostRow key={id} id={id} index={first + i} />)}
      </div>
    </div>
  );
}
