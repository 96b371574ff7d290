import type { ComponentChildren } from 'preact';
import type { Host, Json } from '../api';
import { ago, duration, exact } from '../time';

const label = (key: string, nested: boolean) => {
  const words = key.replace(/_s$/, '').replace(/_/g, ' ');
  return nested ? words : words.charAt(0).toUpperCase() + words.slice(1);
};
/** Seconds; no Date goes further. */
const DATE_MAX = 8.64e12;
const TIME = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;

/** A package of a closure, as nix names it: "openssl 3.3.2 → 3.3.3". */
function packageText(value: { [key: string]: Json }): string | null {
  const { name, version, from, to, ...rest } = value;
  if (typeof name !== 'string' || Object.keys(rest).length > 0) return null;
  const versions = from !== undefined ? `${from || 'none'} → ${to || 'none'}` : version;
  return [name, versions].filter(Boolean).join(' ');
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
export function bytes(n: number): string {
  const unit = Math.min(UNITS.length - 1, n === 0 ? 0 : Math.floor(Math.log2(Math.abs(n)) / 10));
  return `${(n / 1024 ** unit).toFixed(unit ? 1 : 0)} ${UNITS[unit]}`;
}

/** Any value that a host may tell of itself, as text or as a list. */
export function Value({ value, name = '' }: { value: Json; name?: string }): ComponentChildren {
  if (value === null) return <span class="soft">unknown</span>;
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'string') return TIME.test(value) ? exact(value) : value;
  if (typeof value === 'number') {
    if (name.endsWith('_s')) return duration(value * 1000);
    if (name === 'last_modified' && Math.abs(value) <= DATE_MAX) return ago(new Date(value * 1000).toISOString());
    return /(^|_)(bytes|size|free)$/.test(name) ? bytes(value) : String(value);
  }
  if (Array.isArray(value)) {
    if (value.length === 0) return <span class="soft">none</span>;
    return <ul class="plain">{value.map((v, i) => <li key={i}><Value value={v} /></li>)}</ul>;
  }
  return packageText(value) ?? <Table entries={Object.entries(value)} nested />;
}

export function Table({ entries, nested = false }: { entries: [string, Json][]; nested?: boolean }) {
  return (
    <dl class="facts">
      {entries.map(([key, value]) => (
        <div key={key}><dt>{label(key, nested)}</dt><dd><Value value={value} name={key} /></dd></div>
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
