import { request, stop } from '../actions';
import { hostSignal, runningOperation } from '../store';
import { clearSelection, selection } from '../view';
import { opLabel, plural } from '../words';
import { IconButton } from './bits';
import { MenuButton } from './menu';

const QUICK = ['pull-switch', 'pull', 'test', 'refresh-all'];

/** What to do with all the hosts that are ticked. */
export function SelectionBar() {
  const hosts = [...selection.value];
  if (hosts.length === 0) return null;
  const running = hosts.flatMap((id) => {
    const host = hostSignal(id)?.value;
    return (host && runningOperation(host)?.id) ?? [];
  });
  return (
    <section class="selection-bar" aria-label="Selected hosts">
      <p class="selection-count" role="status">{plural(hosts.length, 'host')} selected</p>
      <div class="selection-actions">
        {QUICK.map((op) => (
          <button key={op} type="button" class="button" onClick={() => request(op, hosts)}>{opLabel(op)}</button>
        ))}
        {running.length > 0 && (
          <button type="button" class="button" onClick={() => void stop(...running)}>
            Stop {running.length}
          </button>
        )}
        <MenuButton hosts={() => [...selection.peek()]} label="More operations for the selected hosts" text="More" />
      </div>
      <IconButton icon="close" label="Clear the selection" onClick={clearSelection} />
    </section>
  );
}
