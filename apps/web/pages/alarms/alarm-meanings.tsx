import type { JSX } from "preact";
import type { AlarmDefinition } from "../../data/messages.ts";
import { paths } from "../../data/paths.ts";
import { PriorityMark } from "../../parts/alarm-mark.tsx";
import { codeWords } from "../../parts/format.ts";
import { WithCode } from "../../parts/with-code.tsx";
import { useAnswer } from "../../parts/use-answer.ts";

export function AlarmMeanings(): JSX.Element {
  const { value, failure } = useAnswer<{ definitions: readonly AlarmDefinition[] }>(
    paths.alarmDefinitions,
  );
  if (failure !== "") return <p class="failure">{failure}</p>;
  return (
    <section class="panel table-scroll">
      <table>
        <thead>
          <tr>
            <th scope="col">
              <span class="hidden">Priority</span>
            </th>
            <th scope="col">Alarm</th>
            <th scope="col">Cause</th>
            <th scope="col">Consequence</th>
            <th scope="col">What to do</th>
          </tr>
        </thead>
        <tbody>
          {value?.definitions.map(({ code, priority, cause, consequence, action }) => (
            <tr key={code}>
              <td>
                <PriorityMark alarm={{ priority, state: "acknowledged" }} />
              </td>
              <th scope="row">{codeWords(code)}</th>
              <td>{cause}</td>
              <td>{consequence}</td>
              <td>
                <WithCode text={action} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
