// Lists that begin with what the live channel told, and fetch older entries on request.
import { useEffect, useState } from 'preact/hooks';

interface Pager { busy: boolean; problem: string | null; more: (() => void) | null }

/** fetchOlder answers how many entries it got; fewer than a page means that was all. */
export function usePager(key: string, page: number, fetchOlder: () => Promise<number>): Pager {
  const [busy, setBusy] = useState(true);
  const [problem, setProblem] = useState<string | null>(null);
  const [done, setDone] = useState(false);
  const more = () => {
    setBusy(true);
    fetchOlder().then(
      (got) => { setDone(got < page); setProblem(null); },
      (p: unknown) => setProblem(p instanceof Error ? p.message : String(p)),
    ).finally(() => setBusy(false));
  };
  useEffect(more, [key]);
  return { busy, problem, more: done ? null : more };
}

export function PagerFoot({ pager }: { pager: Pager }) {
  return (
    <div class="pager">
      {pager.problem && <p class="problem" role="alert">{pager.problem}</p>}
      {pager.more && (
        <button type="button" class="button" disabled={pager.busy} onClick={pager.more}>
          {pager.busy ? 'Fetching…' : 'Show older'}
        </button>
      )}
    </div>
  );
}
