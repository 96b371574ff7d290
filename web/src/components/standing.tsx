// How a host says that it stands: one sentence, then what is desired, fetched, built, in the profile, running, booted.
import type { Host } from '../api';
import { standing } from '../words';
import { Revision } from './bits';

const ABOUT: Record<string, string> = {
  desired: 'The tip of the branch, as last seen', fetched: 'What the clone is at',
  built: 'The newest closure that was built here', profile: 'What the next boot takes',
  running: 'What runs now', booted: 'What was booted',
};

export function Standing({ host }: { host: Host }) {
  const said = standing(host);
  if (!said) return null;
  return (
    <section class="card" aria-labelledby="standing">
      <h2 id="standing">System</h2>
      <p class={`sentence-${said.word.tone}`}>{said.word.text}{said.action && <> Now: <code>{said.action}</code></>}</p>
      <table class="states">
        <thead><tr><th scope="col">State</th><th scope="col">Revision</th><th scope="col">Closure</th></tr></thead>
        <tbody>
          {said.states.map((s) => (
            <tr key={s.state}>
              <th scope="row" title={ABOUT[s.state]}>{s.state}</th>
              <td><Revision id={s.revision} /></td>
              <td class="path">{s.path ?? <span class="soft">–</span>}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
