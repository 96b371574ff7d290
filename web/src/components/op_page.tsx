import { useEffect, useState } from 'preact/hooks';
import { api, type Json, type Operation } from '../api';
import { stop } from '../actions';
import { hostHref } from '../route';
import { hostName, isOpen, operationSignal, operationsTick, putOperations } from '../store';
import { duration, elapsed, exact } from '../time';
import { detailText, operationWord, opLabel, progressShare } from '../words';
import { Empty, ProgressBar, State } from './bits';
import { Table } from './facts';
import { Icon } from './icons';
import { LogView } from './log_view';

function Phases({ operation }: { operation: Operation }) {
  if (operation.phases.length === 0) return null;
  const longest = Math.max(...operation.phases.map((p) => p.ms), 1);
  return (
    <table class="phases">
      <caption>Where the time went</caption>
      <tbody>
        {operation.phases.map((p, i) => (
          <tr key={i}>
            <th scope="row">{p.name}</th>
            <td class="phase-bar"><span style={{ '--share': `${(p.ms / longest) * 100}%` }} /></td>
            <td class="phase-time">{duration(p.ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function About({ operation }: { operation: Operation }) {
  const entries: [string, Json][] = [
    ['Asked by', operation.by], ['Asked at', exact(operation.created_at) || null],
    ['Started', exact(operation.started_at) || null], ['Ended', exact(operation.finished_at) || null],
    ['Took', elapsed(operation.started_at, operation.finished_at)],
    ['Exit code', operation.exit_code], ['Number', operation.id],
    ...Object.entries(operation.args ?? {}),
  ];
  return <Table entries={entries.filter(([, v]) => v !== null)} />;
}

function Head({ operation }: { operation: Operation }) {
  const open = isOpen(operation);
  return (
    <div class="op-head">
      <a class="back" href={hostHref(operation.host_id)}><Icon name="left" /> {hostName(operation.host_id)}</a>
      <div class="host-title">
        <h1 id="page-title">{opLabel(operation.op)} <span class="soft">on {hostName(operation.host_id)}</span></h1>
        <State word={operationWord(operation)} />
        {open && <button type="button" class="button" disabled={operation.state === 'stopping'}
          onClick={() => void stop(operation.id)}><Icon name="stop" /> Stop</button>}
      </div>
      <p class="lead">{detailText(operation)}</p>
      {open && <ProgressBar share={progressShare(operation)} label={opLabel(operation.op)} />}
    </div>
  );
}

export function OpPage({ id }: { id: string }) {
  void operationsTick.value;
  const [problem, setProblem] = useState<string | null>(null);
  const operation = operationSignal(id)?.value;
  useEffect(() => {
    if (operation) return;
    api.operation(id).then((o) => putOperations([o]), (p: Error) => setProblem(p.message));
  }, [id]);
  if (!operation) return <Empty page title={problem ?? 'Fetching the operation…'} />;
  return (
    <section class="page op-page" aria-labelledby="page-title">
      <Head operation={operation} />
      <div class="columns">
        <section class="card" aria-label="About this operation"><About operation={operation} /></section>
        {(operation.phases.length > 0 || operation.changes) && (
          <section class="card" aria-label="What it did">
            <Phases operation={operation} />
            {operation.changes && <><h2>What changed</h2><Table entries={Object.entries(operation.changes)} /></>}
          </section>
        )}
      </div>
      <section class="card card-log" aria-labelledby="log"><h2 id="log">Log</h2><LogView key={id} opId={id} /></section>
    </section>
  );
}
