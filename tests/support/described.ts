/** Checks answers against the OpenAPI document. */

import Ajv2020 from "ajv/dist/2020";
import type { ValidateFunction } from "ajv/dist/2020";
import addFormats from "ajv-formats";

const DOCUMENT = "document";

export class Described {
  readonly #ajv = new Ajv2020({ strict: false, allErrors: true });
  readonly #document: unknown;

  constructor(document: unknown) {
    this.#document = document;
    addFormats(this.#ajv);
    this.#ajv.addSchema({ $id: DOCUMENT, ...(document as object) });
  }

  /**
   * @param route as in `GET /api/v1/sessions/{id}`.
   * @returns every difference from the description.
   */
  faultsOf(route: string, status: number, contentType: string, body: unknown): string[] {
    const [method = "", path = ""] = route.split(" ");
    const place = [
      "paths",
      path,
      method.toLowerCase(),
      "responses",
      `${status}`,
      "content",
      contentType,
      "schema",
    ];
    const validate = this.#validatorAt(place);
    if (validate === undefined) return [`the document does not have ${place.join(" ")}`];
    if (validate(body) === true) return [];
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
  }

  #validatorAt(place: readonly string[]): ValidateFunction | undefined {
    let value: unknown = this.#document;
    for (const name of place) value = (value as Record<string, unknown> | undefined)?.[name];
    if (value === undefined) return undefined;
    const pointer = place.map((name) => encodeURIComponent(name.replaceAll("~", "~0").replaceAll("/", "~1")));
    return this.#ajv.getSchema(`${DOCUMENT}#/${pointer.join("/")}`);
  }
}
