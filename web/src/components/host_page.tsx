import type { Host, Operation } from '../api';
import { fleetTick, hostSignal, loaded, runningOperation } from '../store';
import {
  COMPARTMENTS, compartmentSentence, compartmentWord, hostSentence, livenessWord, opLabel,
  progressShare,
} from '../words';
import { Ago, Empty, Meter, ProgressBar, State } from './bits';
import { EventList } from './event_list';
import { Details, Table } from './facts';
import { Following } from './following';
import { HostActions } from './host_actions';
import { accent } from './host_row';
import { Icon } from './icons';
import { Identity } from './identity';
import { History } from './ops_page';
import { Standing } from './standing';

function Head({ host, running }: { host: Host; running: Operation | null }) {
  const word = hostSentence(host, running);
  return (
    <div class="host-page-head" style={accent(host)}>
      <a class="back" href="#/"><Icon name="left" /> All hosts</a>
      <div class="host-title">
        <h1 id="page-title">{host.hostname}</h1>
        <State word={livenessWord(host)} />
        <span class="soft small">seen <Ago time={host.last_seen} /></span>
      </div>
      <p class={`lead sentence-${word.tone}`}>{word.text}</p>
      {running && <ProgressBar share={progressShare(running)} label={`${opLabel(running.op)} on ${host.hostname}`} />}
      <HostActions host={host} running={running} />
    </div>
  );
}

function Compartments({ host }: { host: Host }) {
  return (
    <ul class="compartments">
      {COMPARTMENTS.map(({ name, label, about }) => {
        const c = host.compartments[name];
        return (
          <li key={name} class={`compartment edge-${compartmentWord(name, c).tone}`}>
            <h2 title={about}>{label}</h2>
            <State word={compartmentWord(name, c)} />
            <p>{compartmentSentence(name, c)}</p>
            <p class="small soft">{c.checked_at ? <>checked <Ago time={c.checked_at} /></> : 'never checked'}</p>
          </li>
        );
      })}
    </ul>
  );
}

function Metrics({ host }: { host: Host }) {
  const m = host.metrics;
  if (!m) return null;
  return (
    <div class="metrics">
      <Meter label="CPU" percent={m.cpu} /><Meter label="RAM" percent={m.ram} />
      <Meter label="Swap" percent={m.swap} />
      {m.load !== null && <span class="meter"><span class="meter-label">Load</span>
        <span class="meter-value">{m.load.toFixed(2)}</span></span>}
    </div>
  );
}

function Facts({ host }: { host: Host }) {
  if (host.facts) {
    return <Table entries={Object.entries(host.facts).filter(([key]) => !['summary', 'states', 'follow'].includes(key))} />;
  }
  return <p class="soft">{host.dialect === 3
    ? 'Agents of dialect 3 do not send facts. Update the agent to see them here.'
    : 'The agent has not sent any facts yet.'}</p>;
}

export function HostPage({ id }: { id: string }) {
  void fleetTick.value;
  const host = hostSignal(id)?.value;
  if (!host) {
    return loaded.value
      ? <Empty page title="There is no such host."><p><a href="#/">Go to all hosts</a></p></Empty>
      : <Empty page title="Asking the hub for the fleet…" />;
  }
  const running = runningOperation(host);
  return (
    <section class="page host-page" aria-labelledby="page-title">
      <Head host={host} running={running} />
      <Compartments host={host} />
      <Standing host={host} />
      <Following host={host} />
      <div class="columns">
        <section class="card" aria-labelledby="details"><h2 id="details">Details</h2>
          <Metrics host={host} /><Details host={host} /></section>
        <section class="card" aria-labelledby="facts"><h2 id="facts">Facts</h2><Facts host={host} /></section>
      </div>
      <section class="card" aria-labelledby="history"><h2 id="history">History and logs</h2><History host={id} /></section>
      <section class="card" aria-labelledby="events"><h2 id="events">Events</h2><EventList host={id} /></section>
      <section class="card" aria-labelledby="identity"><h2 id="identity">Identity</h2>
        <p class="soft">What this host uses to prove who it is.</p><Identity host={host} /></section>
    </section>
  );
}
