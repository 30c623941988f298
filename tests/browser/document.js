// What the API document says: its operations, and what their answers must have.

/** All operations of the document, in its order. */
export function operations(document) {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ ...operation, path, method, tag: operation.tags[0] })),
  );
}

/** The fields that a schema requires, with those of the schemas that it is made of. */
export function requiredFields(document, schema) {
  const { $ref, allOf = [], required = [] } = schema;
  const parts = $ref ? [document.components.schemas[$ref.split("/").at(-1)], ...allOf] : allOf;
  return [...required, ...parts.flatMap((part) => requiredFields(document, part))];
}

/** The answer of an operation when all goes well: its status, type and schema. */
export function success({ responses }) {
  const [status, response] = Object.entries(responses).find(([status]) => status.startsWith("2"));
  const [type, content] = Object.entries(response.content ?? {})[0] ?? [];
  return { status: Number(status), type, schema: content?.schema };
}
