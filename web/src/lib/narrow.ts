import { ref } from "vue";

const query = matchMedia("(max-width: 899px)");

/** Whether the window is a phone's. */
export const narrow = ref(query.matches);
query.addEventListener("change", () => (narrow.value = query.matches));
