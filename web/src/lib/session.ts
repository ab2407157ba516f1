/** Who is signed in, and the way in and out. */
import { reactive } from "vue";
import { client, onSignedOut, taken, useToken, type Shapes } from "@/api/client";
import { connect, disconnect } from "@/api/realtime";
import { forget } from "@/api/resource";

export const session = reactive({ me: null as Shapes["Session"] | null, asked: false });

export function entered(me: Shapes["Session"]): void {
  session.me = me;
  useToken(me.csrf ?? null);
  connect();
}

/** Whether somebody is signed in; asked of the server once, then known. */
export async function signedIn(): Promise<boolean> {
  if (!session.asked) {
    try {
      entered(await taken(client.GET("/api/v1/session")));
    } catch {
      left();
    }
    session.asked = true;
  }
  return session.me !== null;
}

function left(): void {
  session.me = null;
  useToken(null);
  disconnect();
  forget();
}

export async function signOut(): Promise<void> {
  await taken(client.DELETE("/api/v1/session"));
  left();
}

onSignedOut(left);

export function may(role: "trader" | "admin"): boolean {
  const mine = session.me?.role;
  return mine === "admin" || mine === role;
}
