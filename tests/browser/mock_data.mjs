// The fleet that the mock hub pretends to have.
const iso = (secondsAgo) => new Date(Date.now() - secondsAgo * 1000).toISOString();
let counter = 0;
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** A ULID: later ones sort later. */
export function ulid(at = Date.now()) {
  let time = '';
  for (let t = at, i = 0; i < 10; i++, t = Math.floor(t / 32)) time = ALPHABET[t % 32] + time;
  counter++;
  let rest = '';
  for (let n = counter, i = 0; i < 16; i++, n = Math.floor(n / 32)) rest = ALPHABET[n % 32] + rest;
  return time + rest;
}

const ok = (message, age = 40) => ({ status: 'ok', message, checked_at: iso(age), behind: null });
const other = (status, message, age = 40, behind = null) =>
  ({ status, message, checked_at: status === 'unknown' ? null : iso(age), behind });

export const healthy = () => ({
  agent: ok('Version 0.1.0, as the hub wants it.'),
  git: { ...ok('At the tip of main.'), behind: 0 },
  lock: ok('All inputs are younger than 14 days.'),
  system: ok('The running system is what the configuration describes.'),
  tests: ok('6 of 6 passed.', 3600),
});

export const REVISION = '4be17c09d2f1a86e5c3b7f90a1d2e3f405162738';
const OLDER = '9c41ab7781de0f3b5c6d7e8f9a0b1c2d3e4f5061';
const COLOURS = ['#7aa2f7', '#9ece6a', '#e0af68', '#bb9af7', '#f7768e', '#2ac3de', '#ff9e64'];

export function makeHost(hostname, extra = {}) {
  const n = [...hostname].reduce((sum, c) => sum + c.charCodeAt(0), 0);
  return {
    id: hostname, hostname, host_type: 'nixos', kind: 'nixos', dialect: 4,
    agent_version: '0.1.0', agent_outdated: false, os_version: 'NixOS 25.05 (Warbler)',
    nixpkgs_version: '25.05.20251018.a493e93', generation: REVISION,
    status: 'online', liveness: 'connected', since: iso(86_000), last_seen: iso(3), created_at: iso(9e6),
    comment: null, theme_color: COLOURS[n % COLOURS.length], location: 'home', device_type: 'server',
    repo_url: 'ssh://git@git.example.org/fleet.git', repo_dir: '/var/lib/nixfleet-agent/repo',
    identity: 'own', pending_command: null, operation: null, queued: 0,
    metrics: { cpu: n % 37, ram: 20 + (n % 60), swap: n % 9, load: (n % 30) / 10 },
    compartments: healthy(), facts: null, ...extra,
  };
}

const CLOSURE = '/nix/store/0v8c7x6z5l4k3j2h1g0f9d8s7a6q5w4e-nixos-system-athena-25.11';
const FOREIGN = '/nix/store/1v8c7x6z5l4k3j2h1g0f9d8s7a6q5w4e-nixos-system-athena-by-hand';

const FACTS = {
  summary: {
    rule: 'drift-running', level: 'bad', action: 'nixfleet switch',
    text: `A closure that was not deployed here runs, seen since 2026-01-19 13:43 UTC: ${FOREIGN}`,
  },
  states: [
    { state: 'desired', revision: REVISION, path: null }, { state: 'fetched', revision: REVISION, path: null },
    { state: 'built', revision: REVISION, path: CLOSURE }, { state: 'profile', revision: REVISION, path: CLOSURE },
    { state: 'running', revision: null, path: FOREIGN }, { state: 'booted', revision: REVISION, path: CLOSURE },
  ],
  repository: { revision: REVISION, last_success: iso(42), last_failure: null, size: '18.2 MiB' },
  reboot_needed: false,
  policy: { follow: false, paused: false },
  lock_inputs: { nixpkgs: '6 days old', 'home-manager': '9 days old', disko: '13 days old' },
  free_space: '61 GiB on /nix', uptime: '23 days',
};

function behind(n) {
  return { ...healthy(), git: other('outdated', `${n} commits behind main.`, 20, n) };
}

/** Seven hosts, each in another state. */
export function smallFleet() {
  const metrics = { cpu: 94, ram: 71, swap: 12, load: 7.9 };
  return [
    makeHost('athena', { facts: FACTS, comment: 'Family server', theme_color: '#7aa2f7' }),
    makeHost('borealis', { generation: OLDER, compartments: behind(3), location: 'cloud', theme_color: '#9ece6a' }),
    makeHost('calypso', { generation: OLDER,
      compartments: { ...behind(1), system: other('outdated', 'The configuration is newer than what runs.') },
      location: 'cloud', theme_color: '#2ac3de', metrics,
    }),
    makeHost('daedalus', {
      kind: 'darwin', host_type: 'macos', os_version: 'macOS 15.1', device_type: 'laptop', location: 'work',
      theme_color: '#bb9af7',
      compartments: { ...healthy(), tests: other('error', '1 of 6 failed: 03-backup-is-fresh.', 700) },
    }),
    makeHost('europa', { generation: OLDER,
      status: 'offline', liveness: 'offline', since: iso(7400), last_seen: iso(7400), metrics: null,
      device_type: 'desktop', compartments: behind(12), theme_color: '#ff9e64', queued: 1,
    }),
    makeHost('fornax', {
      dialect: 3, identity: 'shared', agent_version: '2.1.0-1f2e3d4', agent_outdated: true, location: 'work',
      theme_color: '#e0af68', liveness: 'late', last_seen: iso(19),
      compartments: {
        ...healthy(), agent: other('outdated', 'Version 2.1.0 speaks dialect 3; update it to get tokens and facts.'),
        lock: other('outdated', 'nixpkgs is 41 days old.', 300), tests: other('unknown', null),
      },
    }),
    makeHost('galatea', {
      kind: 'home', host_type: 'linux', os_version: 'Debian GNU/Linux 12', device_type: 'desktop', theme_color: '#f7768e',
    }),
  ];
}

export function largeFleet(count) {
  return Array.from({ length: count }, (_, i) => {
    const name = `node-${String(i + 1).padStart(4, '0')}`;
    if (i % 17 === 3) return makeHost(name, { compartments: behind(1 + (i % 9)) });
    if (i % 41 === 5) {
      return makeHost(name, { status: 'offline', liveness: 'offline', since: iso(9000), last_seen: iso(9000), metrics: null });
    }
    return makeHost(name);
  });
}

const OP_TABLE = [
  ['pull', 'fetch and reset to the branch', 120], ['switch', 'build and activate', 3600, 'system'],
  ['pull-switch', 'pull, then switch', 3600, 'system'], ['update', 'update flake.lock, commit and push', 900],
  ['test', "run the host's own tests", 300], ['rollback', 'activate the previous generation', 600, 'system'],
  ['refresh-all', 'check all compartments again', 120], ['refresh-git', 'compare the clone with the branch', 30],
  ['refresh-lock', 'look at the age of flake.lock', 30],
  ['refresh-system', 'compare the running system with the configuration', 60],
  ['check-version', "compare the agent's version", 10], ['repo-verify', 'check every object of the clone', 600],
  ['repo-reset', 'clone again and swap', 900], ['force-update', 'update and restart the agent', 900, 'system'],
  ['restart', 'restart the agent', 60], ['stop', 'stop what is running', 30],
  ['reboot', 'restart the machine', 300, 'system', 'totp'],
];

export const opTable = OP_TABLE.map(([id, description, timeout, system, totp]) => ({
  id, description, timeout, requires_totp: totp === 'totp', needs_online: false, changes_system: system === 'system',
}));

export const repository = () => ({
  configured: true, url: 'ssh://git@git.example.org/fleet.git', branch: 'main', head: REVISION,
  subject: 'Open the firewall of borealis for the new mail server', author: 'Ada Example',
  committed_at: iso(1500), lock_hash: 'sha256-q1w2e3', checked_at: iso(12), error: null,
});

export function operation(host_id, op, by, secondsAgo, extra = {}) {
  return {
    id: ulid(Date.now() - secondsAgo * 1000), host_id, op, args: {}, by, state: 'finished', outcome: 'ok', reported: true,
    message: null, exit_code: 0, created_at: iso(secondsAgo), started_at: iso(secondsAgo - 1),
    finished_at: iso(Math.max(0, secondsAgo - 75)), deadline_at: iso(secondsAgo - 3600), progress: null,
    phases: [], changes: null, lines: 0, ...extra,
  };
}

export function oldOperations() {
  const phases = [{ name: 'fetch', ms: 420 }, { name: 'evaluate', ms: 8200 }, { name: 'build', ms: 51_300 }, { name: 'activate', ms: 6900 }];
  return [
    operation('athena', 'pull-switch', 'admin', 1300, { message: 'Now at 4be17c09, generation 142.', phases, changes: { added: ['postfix 3.9.1'], removed: [], changed: ['openssl 3.3.2 → 3.3.3', 'linux 6.12.51 → 6.12.53'] } }),
    operation('daedalus', 'test', 'admin', 700, { outcome: 'failed', exit_code: 1, message: '1 of 6 tests failed: 03-backup-is-fresh.' }),
    operation('europa', 'switch', 'admin', 9000, { outcome: 'timed_out', reported: false, exit_code: null, message: 'The deadline passed without a word from the host.' }),
    operation('calypso', 'switch', 'nixfleet run', 21_000, { outcome: 'rolled_back', exit_code: 4, message: 'The host could not reach the hub after the switch; back on generation 118.' }),
    operation('galatea', 'update', 'admin', 90_000, { message: 'Pushed 9c41ab77: nixpkgs, home-manager.' }),
    operation('fornax', 'pull', 'admin', 172_000, { outcome: 'stopped', exit_code: null, message: 'Stopped by admin.' }),
  ];
}

export function oldEvents() {
  const event = (id, age, level, host_id, action, message, actor = null) =>
    ({ id, timestamp: iso(age), category: 'fleet', level, actor, host_id, action, message, details: null });
  return [
    event(7, 19, 'warning', 'fornax', 'late', 'No heartbeat for 3 intervals.'),
    event(6, 700, 'error', 'daedalus', 'finished', 'Run tests failed: 03-backup-is-fresh.'),
    event(5, 1300, 'info', 'athena', 'finished', 'Pull and switch ended well: generation 142.', 'admin'),
    event(4, 1500, 'info', null, 'commit', 'main moved to 4be17c09.'),
    event(3, 7400, 'warning', 'europa', 'offline', 'The connection ended without a word.'),
    event(2, 8000, 'info', null, 'login', 'Logged in from 192.0.2.7.', 'admin'),
    event(1, 86_000, 'info', 'galatea', 'enrolled', 'A new host enrolled and got a token of its own.'),
  ];
}

export const SCRIPT = [
  ['note', 'asked by admin, deadline in 60 min', 'accept'],
  ['stdout', '\x1b[1mfetching\x1b[0m ssh://git@git.example.org/fleet.git main', 'fetch'],
  ['stderr', 'From ssh://git.example.org/fleet', 'fetch'],
  ['stderr', '   9c41ab77..4be17c09  main       -> origin/main', 'fetch'],
  ['note', 'reset to 4be17c09 Open the firewall of borealis for the new mail server', 'reset'],
  ['stdout', "evaluating derivation 'git+file:///var/lib/nixfleet-agent/repo?rev=4be17c09#nixosConfigurations'", 'evaluate'],
  ['stderr', '\x1b[35;1mwarning:\x1b[0m Git tree is not what is built: the revision is', 'evaluate'],
  ['stderr', 'these 12 derivations will be built:', 'build'],
  ['stderr', '  /nix/store/3k1q9v8z1d7p0b5n6c2x4w8y9r0t1s2a-unit-postfix.service.drv', 'build'],
  ['stderr', '  /nix/store/a9s8d7f6g5h4j3k2l1z0x9c8v7b6n5m4-etc-postfix-main.cf.drv', 'build'],
  ['stdout', 'copying path \x1b[36m/nix/store/0v8c7x6z5l4k3j2h1g0f9d8s7a6q5w4e-postfix-3.9.1\x1b[0m from the cache', 'build'],
  ['stdout', "building '\x1b[32m/nix/store/3k1q9v8z1d7p0b5n6c2x4w8y9r0t1s2a-unit-postfix.service.drv\x1b[0m'", 'build'],
  ['stdout', 'built 12 derivations, fetched 3 paths (4.1 MiB)', 'build'],
  ['note', 'profile set to generation 143', 'activate'],
  ['stdout', 'activating the configuration...', 'activate'],
  ['stderr', 'setting up /etc...', 'activate'],
  ['stdout', 'starting the following units: \x1b[1mpostfix.service\x1b[0m', 'activate'],
  ['stdout', '<script>alert("this is text")</script> & <b>so is this</b>', 'activate'],
  ['note', 'confirmed: the hub and 4 probes can see this host', 'confirm'],
];
