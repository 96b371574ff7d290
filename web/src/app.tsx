import { useEffect } from 'preact/hooks';
import { Banners, Toasts } from './components/banner';
import { Dialogs } from './components/dialogs';
import { EventsPage } from './components/event_list';
import { Fleet } from './components/fleet';
import { Header } from './components/header';
import { HostPage } from './components/host_page';
import { LogDock } from './components/log_dock';
import { OpenMenu } from './components/menu';
import { OpPage } from './components/op_page';
import { OpsPage } from './components/ops_page';
import { route } from './route';
import { hostName } from './store';

function View() {
  const r = route.value;
  switch (r.view) {
    case 'host': return <HostPage key={r.id} id={r.id} />;
    case 'operations': return <OpsPage />;
    case 'operation': return <OpPage key={r.id} id={r.id} />;
    case 'events': return <EventsPage />;
    case 'fleet': return <Fleet />;
  }
}

function title(): string {
  const r = route.value;
  switch (r.view) {
    case 'host': return `${hostName(r.id)} · NixFleet`;
    case 'operations': case 'operation': return 'Operations · NixFleet';
    case 'events': return 'Events · NixFleet';
    case 'fleet': return 'NixFleet';
  }
}

const skip = (event: Event) => {
  event.preventDefault();
  document.getElementById('main')?.focus();
};

export function App() {
  const name = title();
  useEffect(() => { document.title = name; }, [name]);
  return (
    <>
      <a class="skip" href="#main" onClick={skip}>Skip to the content</a>
      <Header />
      <Banners />
      <main id="main" tabIndex={-1}><View /><OpenMenu /></main>
      <LogDock />
      <Dialogs />
      <Toasts />
    </>
  );
}
