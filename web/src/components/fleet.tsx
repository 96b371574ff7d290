import { allHosts, fleetTick, loaded } from '../store';
import { filter, search, visibleIds } from '../view';
import { Empty } from './bits';
import { Enrol } from './enrol';
import { HostList } from './host_list';
import { SelectionBar } from './selection_bar';
import { Toolbar } from './toolbar';

function NothingFound() {
  const all = () => {
    search.value = '';
    filter.value = 'all';
  };
  return (
    <Empty title="No host matches.">
      <p>Try fewer words, or another filter.</p>
      <button type="button" class="button" onClick={all}>Show all hosts</button>
    </Empty>
  );
}

export function Fleet() {
  void fleetTick.value;
  if (!loaded.value) return <Empty page title="Asking the hub for the fleet…" />;
  if (allHosts().length === 0) return <Enrol />;
  return (
    <>
      <h1 class="visually-hidden">Hosts</h1>
      <Toolbar />
      {visibleIds.value.length === 0 ? <NothingFound /> : <HostList />}
      <SelectionBar />
    </>
  );
}
