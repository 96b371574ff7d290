// What to do when there is no host yet.
import { repository } from '../store';
import { CodeBlock } from './bits';

function moduleText(hub: string, repo: string, branch: string): string {
  return `services.nixfleet-agent = {
  enable = true;
  url = "${hub}";
  tokenFile = "/run/secrets/nixfleet-token";
  repoUrl = "${repo}";
  branch = "${branch}";
};`;
}

const commandText = (hub: string, repo: string, branch: string) => `export NIXFLEET_URL=${hub}
export NIXFLEET_TOKEN_FILE=/run/secrets/nixfleet-token
export NIXFLEET_REPO_URL=${repo}
export NIXFLEET_BRANCH=${branch}
nixfleet-agent --check && nixfleet-agent`;

export function Enrol() {
  const hub = location.origin;
  const repo = repository.value?.url ?? 'ssh://git@example.org/fleet.git';
  const branch = repository.value?.branch ?? 'main';
  return (
    <section class="enrol" aria-labelledby="enrol-title">
      <h1 id="enrol-title">Enrol your first host</h1>
      <p class="lead">No agent has connected to this hub yet. A host appears here by itself, within seconds
        of its agent's first connection. There is nothing to reload.</p>
      <ol>
        <li>
          <h2>Give the host the shared token</h2>
          <p>It is the hub's <code>NIXFLEET_AGENT_TOKEN</code>. Put it into a file on the host that only
            root can read. The host gets a token of its own when it enrols.</p>
        </li>
        <li>
          <h2>Enable the agent in the host's configuration</h2>
          <CodeBlock label="NixOS module" text={moduleText(hub, repo, branch)} />
        </li>
        <li>
          <h2>Or try it by hand first</h2>
          <p><code>--check</code> says for each setting whether it works, and what to do if not.</p>
          <CodeBlock label="Commands" text={commandText(hub, repo, branch)} />
        </li>
      </ol>
    </section>
  );
}
