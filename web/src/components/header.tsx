import { logoutToken } from '../api';
import { route } from '../route';
import { connection, hubVersion, repository } from '../store';
import { ago, exact } from '../time';
import { plural, type Word } from '../words';
import { counts } from '../view';
import { Revision, State } from './bits';
import { Icon, Mark } from './icons';

const WORDS: Record<typeof connection.value, Word> = {
  connecting: { text: 'connecting', tone: 'busy' },
  live: { text: 'live', tone: 'ok', icon: 'dot' },
  lost: { text: 'connection lost', tone: 'bad' },
  ended: { text: 'logged out', tone: 'bad' },
};

function Repo() {
  const repo = repository.value;
  if (!repo) return null;
  if (!repo.configured) {
    return (
      <p class="repo soft" title="Set NIXFLEET_REPO_URL on the hub">
        <Icon name="branch" /> No configuration repository is set on the hub
      </p>
    );
  }
  return (
    <div class="repo" role="group" aria-label="Configuration repository">
      <span class="repo-branch" title={repo.url ?? ''}><Icon name="branch" /> {repo.branch}</span>
      <Revision id={repo.head} />
      <span class="repo-subject" title={[repo.subject, repo.author].filter(Boolean).join(', ')}>{repo.subject}</span>
      {repo.committed_at && <time class="soft" dateTime={repo.committed_at} title={exact(repo.committed_at)}>
        {ago(repo.committed_at)}
      </time>}
      {repo.error && <span class="repo-error" title={repo.error}>
        <State word={{ text: repo.error, tone: 'bad' }} />
      </span>}
    </div>
  );
}

const LINKS: { view: string[]; href: string; text: string }[] = [
  { view: ['fleet', 'host'], href: '#/', text: 'Hosts' },
  { view: ['operations', 'operation'], href: '#/operations', text: 'Operations' },
  { view: ['events'], href: '#/events', text: 'Events' },
];

function Nav() {
  const current = route.value.view;
  return (
    <nav aria-label="Main">
      {LINKS.map((l) => (
        <a key={l.href} href={l.href} aria-current={l.view.includes(current) ? 'page' : undefined}>{l.text}</a>
      ))}
    </nav>
  );
}

export function Header() {
  const n = counts.value;
  return (
    <header class="top">
      <div class="top-bar">
        <a class="brand" href="#/" title={hubVersion.value ? `NixFleet ${hubVersion.value}` : 'NixFleet'}>
          <Mark /><span>NixFleet</span>
        </a>
        <Nav />
        <Repo />
        <div class="top-end">
          <span class="fleet-size soft">{plural(n.all, 'host')}</span>
          <span class="live"><State word={WORDS[connection.value]} /></span>
          <form method="post" action="/logout">
            <input type="hidden" name="csrf_token" value={logoutToken()} />
            <button type="submit" class="icon-button" aria-label="Log out" title="Log out"><Icon name="leave" /></button>
          </form>
        </div>
      </div>
    </header>
  );
}
