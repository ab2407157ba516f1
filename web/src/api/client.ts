/** The API's client, typed by its own description; every failure is an `ApiFailure`. */
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "@/api/schema";

export type Shapes = components["schemas"];

/** What was wrong, what helps, and a code that does not change. */
export class ApiFailure extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly hint: string | null,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }
}

const held = { csrf: null as string | null, signedOut: () => {} };

export function useToken(csrf: string | null): void {
  held.csrf = csrf;
}

export function onSignedOut(then: () => void): void {
  held.signedOut = then;
}

const guard: Middleware = {
  onRequest({ request }) {
    if (request.method !== "GET" && held.csrf) request.headers.set("X-CSRF-Token", held.csrf);
    return request;
  },
};

export const client = createClient<paths>({ baseUrl: "/" });
client.use(guard);

interface Answer<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** The data of an answer, or an `ApiFailure` in the API's own words. */
export async function taken<T>(asked: Promise<Answer<T>>): Promise<T> {
  let answer: Answer<T>;
  try {
    answer = await asked;
  } catch {
    throw new ApiFailure(0, "console.unreachable", "", null);
  }
  if (answer.response.ok) return answer.data as T;
  const failure = failureOf(answer.error, answer.response);
  if (failure.status === 401 && failure.code !== "access.refused") held.signedOut();
  throw failure;
}

function failureOf(body: unknown, response: Response): ApiFailure {
  const told = (body as { error?: Partial<Shapes["ErrorBody"]> } | undefined)?.error;
  const wait = response.headers.get("Retry-After");
  return new ApiFailure(
    response.status,
    told?.code ?? `http.${response.status}`,
    told?.message ?? response.statusText,
    told?.hint ?? null,
    wait ? Number(wait) : null,
  );
}
