import type { Host, Operation } from '../api';
import { request, showLog, stop } from '../actions';
import { nextOp, opLabel } from '../words';
import { Icon } from './icons';
import { MenuButton } from './menu';

/** What can be done with one host now: the next sensible thing, and the rest. */
export function HostActions({ host, running }: { host: Host; running: Operation | null }) {
  if (running) {
    return (
      <div class="actions">
        <button type="button" class="button" onClick={() => showLog(running.id)}
          aria-label={`Log of ${opLabel(running.op)} on ${host.hostname}`}>
          <Icon name="log" /> Log
        </button>
        <button type="button" class="button" disabled={running.state === 'stopping'}
          onClick={() => void stop(running.id)}
          aria-label={`Stop ${opLabel(running.op)} on ${host.hostname}`}>
          <Icon name="stop" /> Stop
        </button>
      </div>
    );
  }
  const op = nextOp(host);
  const wanted = op !== 'pull' && host.liveness === 'connected';
  return (
    <div class="actions">
      <button type="button" class={`button ${wanted ? 'button-wanted' : ''}`}
        onClick={() => request(op, [host.id])} aria-label={`${opLabel(op)} on ${host.hostname}`}>
        {opLabel(op)}
      </button>
      <MenuButton hosts={() => [host.id]} label={`More operations for ${host.hostname}`} />
    </div>
  );
}
