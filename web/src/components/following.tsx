// How a host follows the branch by itself: whether it may, and which revisions it holds back.
import type { Host } from '../api';
import { since } from '../time';
import { following } from '../words';
import { Revision } from './bits';

export function Following({ host }: { host: Host }) {
  const said = following(host);
  if (!said) return null;
  return (
    <section class="card" aria-labelledby="following">
      <h2 id="following">Following the branch</h2>
      <p class={`sentence-${said.word.tone}`}>{said.word.text}</p>
      {said.held.length > 0 && <table class="states">
        <thead><tr><th scope="col">Held back</th><th scope="col">Why</th><th scope="col">Tried again</th></tr></thead>
        <tbody>
          {said.held.map((h) => (
            <tr key={h.revision}>
              <td><Revision id={h.revision} /></td>
              <td>{h.text}</td>
              <td>{h.retry_at ? `after ${since(h.retry_at)}` : 'when somebody switches to it'}</td>
            </tr>
          ))}
        </tbody>
      </table>}
    </section>
  );
}
