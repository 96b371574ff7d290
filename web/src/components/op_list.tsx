import type { Operation } from '../api';
import { showLog } from '../actions';
import { hostHref, operationHref } from '../route';
import { hostName, operationSignal } from '../store';
import { elapsed } from '../time';
import { detailText, operationWord, opLabel } from '../words';
import { Ago, State } from './bits';
import { Icon } from './icons';

function OpRow({ id, withHost }: { id: string; withHost: boolean }) {
  const operation = operationSignal(id)?.value;
  if (!operation) return null;
  const took = elapsed(operation.started_at, operation.finished_at);
  return (
    <tr>
      <td class="op-when"><Ago time={operation.created_at} /></td>
      {withHost && <td class="op-host"><a href={hostHref(operation.host_id)}>{hostName(operation.host_id)}</a></td>}
      <td class="op-name"><a href={operationHref(id)}>{opLabel(operation.op)}</a></td>
      <td class="op-outcome"><State word={operationWord(operation)} /></td>
      <td class="op-message"><span class="clip" title={detailText(operation)}>{detailText(operation)}</span></td>
      <td class="op-took">{took ?? <span class="soft">not started</span>}</td>
      <td class="op-by"><span class="clip">{operation.by}</span></td>
      <td class="op-log">
        <button type="button" class="button button-small" onClick={() => showLog(id)}
          aria-label={`Log of ${opLabel(operation.op)} on ${hostName(operation.host_id)}`}>
          <Icon name="log" /> Log
        </button>
      </td>
    </tr>
  );
}

/** A table of operations, newest first, each row following its operation. */
export function OpList({ operations, withHost, caption }: {
  operations: Operation[]; withHost: boolean; caption: string;
}) {
  return (
    <table class="list op-list">
      <caption class="visually-hidden">{caption}</caption>
      <thead>
        <tr>
          <th scope="col">When</th>
          {withHost && <th scope="col">Host</th>}
          <th scope="col">Operation</th>
          <th scope="col">Outcome</th>
          <th scope="col">What happened</th>
          <th scope="col">Took</th>
          <th scope="col">By</th>
          <th scope="col"><span class="visually-hidden">Log</span></th>
        </tr>
      </thead>
      <tbody>{operations.map((o) => <OpRow key={o.id} id={o.id} withHost={withHost} />)}</tbody>
    </table>
  );
}
