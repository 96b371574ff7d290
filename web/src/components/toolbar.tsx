import { useEffect, useRef } from 'preact/hooks';
import { counts, filter, FILTERS, search, sort, SORTS, visibleIds, type Sort } from '../view';
import { Icon } from './icons';

const typing = (el: Element | null) => el?.matches('input, textarea, select, dialog *') ?? false;

export function Toolbar() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== '/' || event.ctrlKey || event.metaKey || typing(document.activeElement)) return;
      event.preventDefault();
      field.current?.focus();
    };
    addEventListener('keydown', onKey);
    return () => removeEventListener('keydown', onKey);
  }, []);
  const narrowed = search.value !== '' || filter.value !== 'all';
  return (
    <div class="toolbar" role="search" aria-label="Hosts">
      <div class="search">
        <Icon name="search" />
        <input ref={field} type="search" placeholder="Search hosts" aria-label="Search hosts" aria-keyshortcuts="/"
          value={search.value} onInput={(e) => { search.value = e.currentTarget.value; }} />
        {search.value === '' && <kbd aria-hidden="true">/</kbd>}
      </div>
      <div class="chips" role="group" aria-label="Show">
        {FILTERS.map((f) => (
          <button key={f.id} type="button" class={`chip chip-${f.id}`} aria-pressed={filter.value === f.id}
            onClick={() => { filter.value = filter.value === f.id ? 'all' : f.id; }}>
            {f.label} <span class="chip-count">{counts.value[f.id]}</span>
          </button>
        ))}
      </div>
      <label class="sort">
        <span class="soft">Sort by</span>
        <select value={sort.value} onChange={(e) => { sort.value = e.currentTarget.value as Sort; }}>
          {SORTS.map((s) => <option key={s.id} value={s.id}>{s.label}</option>)}
        </select>
      </label>
      <p class="visually-hidden" role="status">
        {narrowed ? `${visibleIds.value.length} of ${counts.value.all} hosts shown` : ''}
      </p>
    </div>
  );
}
