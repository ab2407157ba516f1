import "@/styles/main.css";
import "@/lib/appearance";
import { createApp } from "vue";
import App from "@/App.vue";
import { router } from "@/router";

createApp(App).use(router).mount("#app");
