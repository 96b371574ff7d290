import { hostSignal, runningOperation } from '../store';
import type { CompartmentName, Host, Operation } from '../api';
import { hostHref } from '../route';
import { selection, toggleSelected } from '../view';
import {
  COMPARTMENTS, compartmentSentence, compartmentWord, hostSentence, livenessWord, opLabel,
  progressShare, shortRevision,
} from '../words';
import { Ago, Meter, ProgressBar, State } from './bits';
import { HostActions } from './host_actions';

const COLOUR = /^#[0-9a-f]{3,8}$/i;
export const accent = (host: Host) =>
  host.theme_color && COLOUR.test(host.theme_color) ? { '--host-accent': host.theme_color } : {};

function Select({ host }: { host: Host }) {
  const on = selection.value.has(host.id);
  return (
    <label class="row-select">
      <input type="checkbox" checked={on} aria-label={`Select ${host.hostname}`}
        onChange={() => toggleSelected(host.id)} />
    </label>
  );
}

function Sentence({ host, running }: { host: Host; running: Operation | null }) {
  const word = hostSentence(host, running);
  return (
    <>
      <p class={`sentence sentence-${word.tone}`} title={word.text}>{word.text}</p>
      {running
        ? <ProgressBar share={progressShare(running)} label={`${opLabel(running.op)} on ${host.hostname}`} />
        : <p class="soft small clip">Seen <Ago time={host.last_seen} />{host.generation && <> · at <code>{shortRevision(host.generation)}</code></>}</p>}
    </>
  );
}

function Cell({ name, label, host }: { name: CompartmentName; label: string; host: Host }) {
  const word = compartmentWord(name, host.compartments[name]);
  return (
    <div role="cell" class={`cell-compartment cell-${word.tone}`}>
      <span class="cell-label">{label}</span>
      <State word={word} title={`${label}: ${compartmentSentence(name, host.compartments[name])}`} />
    </div>
  );
}

export function HostRow({ id, index }: { id: string; index: number }) {
  const source = hostSignal(id);
  if (!source) return null;
  const host = source.value;
  const running = runningOperation(host);
  const away = host.liveness !== 'connected' && host.liveness !== 'late';
  const place = [host.kind ?? host.host_type, host.device_type, host.location].filter(Boolean).join(', ');
  return (
    <div role="row" class={`host-row ${away ? 'host-away' : ''}`} data-row aria-rowindex={index + 2}
      style={accent(host)}>
      <div role="cell" class="cell-select"><Select host={host} /></div>
      <div role="cell" class="cell-host">
        <a class="host-link" href={hostHref(id)} data-step>{host.hostname}</a>
        <p class="small clip" title={place}>
          <State word={livenessWord(host)} /> {!away && <span class="soft">{place}</span>}
        </p>
      </div>
      <div role="cell" class="cell-sentence"><Sentence host={host} running={running} /></div>
      {COMPARTMENTS.map((c) => <Cell key={c.name} name={c.name} label={c.label} host={host} />)}
      <div role="cell" class="cell-metrics">
        {host.metrics && !away
          ? <><Meter label="CPU" percent={host.metrics.cpu} /><Meter label="RAM" percent={host.metrics.ram} /></>
          : <span class="visually-hidden">no figures</span>}
      </div>
      <div role="cell" class="cell-actions"><HostActions host={host} running={running} /></div>
    </div>
  );
}
