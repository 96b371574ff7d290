import { useState } from 'preact/hooks';
import { api } from '../api';
import { allOperations, isOpen, putOperations } from '../store';
import { Empty } from './bits';
import { OpList } from './op_list';
import { PagerFoot, usePager } from './pager';

const PAGE = 100;

/** Operations of one host, or of the fleet. */
export function History({ host, onlyOpen = false }: { host?: string; onlyOpen?: boolean }) {
  const [oldest, setOldest] = useState<string | undefined>(undefined);
  const pager = usePager(host ?? '', PAGE, async () => {
    const { operations } = await api.operations({
      limit: PAGE, ...(host ? { host } : {}), ...(oldest ? { before: oldest } : {}),
    });
    putOperations(operations);
    setOldest(operations[operations.length - 1]?.id ?? oldest);
    return operations.length;
  });
  const shown = allOperations().filter((o) => (!host || o.host_id === host) && (!onlyOpen || isOpen(o)));
  return (
    <>
      {shown.length > 0 && <OpList operations={shown} withHost={!host} caption={host ? 'History of this host' : 'Operations'} />}
      {shown.length === 0 && !pager.busy && !pager.problem && (
        <Empty title={onlyOpen ? 'Nothing is running.' : 'No operation yet.'}>
          <p>Choose an operation beside a host, or select several hosts and run it on all of them.</p>
        </Empty>
      )}
      <PagerFoot pager={pager} />
    </>
  );
}

export function OpsPage() {
  const [onlyOpen, setOnlyOpen] = useState(false);
  return (
    <section class="page" aria-labelledby="page-title">
      <div class="page-head">
        <h1 id="page-title">Operations</h1>
        <div class="chips" role="group" aria-label="Show">
          <button type="button" class="chip" aria-pressed={!onlyOpen} onClick={() => setOnlyOpen(false)}>All</button>
          <button type="button" class="chip" aria-pressed={onlyOpen} onClick={() => setOnlyOpen(true)}>Under way</button>
        </div>
      </div>
      <History onlyOpen={onlyOpen} />
    </section>
  );
}
