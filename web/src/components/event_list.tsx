import { useState } from 'preact/hooks';
import { api, type FleetEvent } from '../api';
import { hostHref } from '../route';
import { events, hostName, hostSignal } from '../store';
import type { Tone, Word } from '../words';
import { Ago, Empty, State } from './bits';
import { PagerFoot, usePager } from './pager';

const PAGE = 100;
const LEVELS: Record<string, Tone> = {
  error: 'bad', warning: 'warn', warn: 'warn', success: 'ok', info: 'quiet', debug: 'quiet', audit: 'quiet',
};
const levelWord = (e: FleetEvent): Word => ({ text: e.level, tone: LEVELS[e.level] ?? 'quiet' });

function EventRow({ event, withHost }: { event: FleetEvent; withHost: boolean }) {
  return (
    <tr>
      <td class="event-when"><Ago time={event.timestamp} /></td>
      <td class="event-level"><State word={levelWord(event)} /></td>
      {withHost && <td class="event-host">
        {event.host_id && (hostSignal(event.host_id)
          ? <a href={hostHref(event.host_id)}>{hostName(event.host_id)}</a> : event.host_id)}
      </td>}
      <td class="event-message">{event.message ?? event.action}</td>
      <td class="event-actor soft"><span class="clip">{event.actor}</span></td>
    </tr>
  );
}

const union = (a: FleetEvent[], b: FleetEvent[]) => {
  const seen = new Set(a.map((e) => e.id));
  return [...a, ...b.filter((e) => !seen.has(e.id))];
};

/** Events of one host, or of the fleet: the live ones, and older ones on request. */
export function EventList({ host }: { host?: string }) {
  const [older, setOlder] = useState<FleetEvent[]>([]);
  const live = events.value.filter((e) => !host || e.host_id === host);
  const shown = union(live, older);
  const pager = usePager(host ?? '', PAGE, async () => {
    const last = shown[shown.length - 1]?.id;
    const answer = host
      ? await api.hostEvents(host, Math.max(PAGE, shown.length + PAGE))
      : await api.events({ limit: PAGE, ...(last !== undefined ? { before: last } : {}) });
    const fresh = union(shown, answer.events).length - shown.length;
    setOlder((known) => union(known, answer.events));
    return host ? fresh : answer.events.length;
  });
  if (shown.length === 0) {
    return pager.busy ? null : <Empty title="Nothing has happened yet." />;
  }
  return (
    <>
      <table class="list event-list">
        <caption class="visually-hidden">Events, newest first</caption>
        <thead>
          <tr>
            <th scope="col">When</th><th scope="col">Level</th>
            {!host && <th scope="col">Host</th>}
            <th scope="col">Event</th><th scope="col">By</th>
          </tr>
        </thead>
        <tbody>{shown.map((e) => <EventRow key={e.id} event={e} withHost={!host} />)}</tbody>
      </table>
      <PagerFoot pager={pager} />
    </>
  );
}

export function EventsPage() {
  return (
    <section class="page" aria-labelledby="page-title">
      <div class="page-head"><h1 id="page-title">Events</h1></div>
      <EventList />
    </section>
  );
}
