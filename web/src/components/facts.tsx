import type { ComponentChildren } from 'preact';
import type { Host, Json } from '../api';
import { exact } from '../time';

const label = (key: string, nested: boolean) => {
  const words = key.replace(/_/g, ' ');
  return nested ? words : words.charAt(0).toUpperCase() + words.slice(1);
};
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** Any value that a host may tell of itself, as text or as a list. */
export function Value({ value }: { value: Json }): ComponentChildren {
  if (value === null) return <span class="soft">unknown</span>;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return TIME.test(value) ? exact(value) : value;
  if (typeof value === 'number') return String(value);
  if (Array.isArray(value)) {
    if (value.length === 0) return <span class="soft">none</span>;
    return <ul class="plain">{value.map((v, i) => <li key={i}><Value value={v} /></li>)}</ul>;
  }
  return <Table entries={Object.entries(value)} nested />;
}

export function Table({ entries, nested = false }: { entries: [string, Json][]; nested?: boolean }) {
  return (
    <dl class="facts">
      {entries.map(([key, value]) => (
        <div key={key}><dt>{label(key, nested)}</dt><dd><Value value={value} /></dd></div>
      ))}
    </dl>
  );
}

export function Details({ host }: { host: Host }) {
  const entries: [string, Json][] = [
    ['Kind', host.kind ?? host.host_type], ['Operating system', host.os_version],
    ['Nixpkgs', host.nixpkgs_version], ['Revision', host.generation],
    ['Agent', host.agent_version], ['Repository', host.repo_url], ['Clone', host.repo_dir],
    ['Location', host.location], ['Device', host.device_type],
    ['Token', { own: 'its own', shared: 'the shared one', revoked: 'revoked' }[host.identity]],
    ['First seen', host.created_at], ['Comment', host.comment],
  ];
  return <Table entries={entries.filter(([, v]) => v !== null && v !== undefined)} />;
}
