import type { JSX } from "preact";
import { alarms } from "../data/store.ts";
import { isUnacknowledged } from "../parts/alarm-mark.tsx";
import { Icon } from "./icons.tsx";
import { pages } from "./pages.ts";
import { linkTo, route } from "./route.ts";

export function Menu(): JSX.Element {
  const here = route.value.page;
  const newCount = alarms.value.filter(isUnacknowledged).length;
  return (
    <nav class="menu" aria-label="Pages">
      <ul>
        {pages.value.map(({ page, title, icon, key }) => (
          <li key={page}>
            <a
              href={linkTo(page)}
              aria-current={page === here ? "page" : undefined}
              title={`${title} (g ${key})`}
            >
              <Icon name={icon} />
              <span>{title}</span>
              {page === "alarms" && newCount > 0 ? (
                <span class="badge" aria-label={`${newCount} not acknowledged`}>
                  {newCount}
                </span>
              ) : null}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
