// What the page itself says, in both languages; what the dashboards say stands in the saved objects.

const WORDS = {
  "pt-BR": {
    language: "Português", skip: "Ir para os painéis", dashboards: "Telas", period: "Período", query: "Busca",
    queryHint: "Buscar: nome, número, ramal, loja… ou call.missed:true", saved: "Buscas salvas", savedNone: "Nenhuma busca salva",
    search: "Buscar", clear: "Limpar", refresh: "Atualizar", auto: "Automático: {0}", paused: "Pausado", wall: "Tela cheia",
    updated: "Atualizado às {0}", loading: "Carregando…", empty: "Sem dados neste período", filters: "Filtros",
    remove: "Remover filtro {0}", pin: "Manter em todas as telas", unpin: "Só nesta tela", not: "não", today: "Hoje",
    yesterday: "Ontem", month: "Este mês", months: "Últimos 12 meses", days: "Últimos {0} dias", hours: "Últimas {0} horas",
    minutes: "Últimos {0} minutos", lastMonths: "Últimos {0} meses", own: "Padrão da tela", from: "De", to: "Até", apply: "Aplicar",
    swapped: "O fim vem antes do início.", all: "Todas", chosen: "{0} escolhidas", find: "Procurar…", nothing: "Nada encontrado",
    csv: "Baixar CSV", total: "Total", rows: "{0}–{1} de {2}", before: "Anteriores", next: "Próximas", found: "Encontradas: {0}",
    shown: "{0} encontradas, as {1} primeiras", details: "Mostrar todos os campos", filterBy: "Filtrar por {0}", yes: "sim", no: "não",
    document: "Documento", second: "{0} s", minute: "{0} min", about: "Sobre este painel: {0}", count: "Quantidade",
    "error.cluster": "O OpenSearch não respondeu ou recusou a consulta.", "error.query": "A busca não foi entendida. Confira aspas, parênteses e dois-pontos.",
    "error.period": "O período não foi entendido.", "error.object": "Este painel não pode ser mostrado.",
    "error.network": "O servidor desta página não responde. O comando central preview ainda está rodando?", "error.page": "Este painel não pôde ser lido.",
    missing: "Ainda não há dados deste tipo no cluster.", "error.draw": "O gráfico não pôde ser desenhado.", retry: "Tentar de novo",
  },
  en: {
    language: "English", skip: "Skip to the panels", dashboards: "Dashboards", period: "Period", query: "Search",
    queryHint: "Search: name, number, extension, store… or call.missed:true", saved: "Saved searches", savedNone: "No saved search",
    search: "Search", clear: "Clear", refresh: "Refresh", auto: "Automatic: {0}", paused: "Paused", wall: "Full screen",
    updated: "Updated at {0}", loading: "Loading…", empty: "No data in this period", filters: "Filters",
    remove: "Remove filter {0}", pin: "Keep on all dashboards", unpin: "Only on this dashboard", not: "not", today: "Today",
    yesterday: "Yesterday", month: "This month", months: "Last 12 months", days: "Last {0} days", hours: "Last {0} hours",
    minutes: "Last {0} minutes", lastMonths: "Last {0} months", own: "The dashboard's own", from: "From", to: "To", apply: "Apply",
    swapped: "The end is before the beginning.", all: "All", chosen: "{0} chosen", find: "Find…", nothing: "Nothing found",
    csv: "Download CSV", total: "Total", rows: "{0}–{1} of {2}", before: "Previous", next: "Next", found: "{0} found",
    shown: "{0} found, the first {1}", details: "Show all fields", filterBy: "Filter by {0}", yes: "yes", no: "no",
    document: "Document", second: "{0} s", minute: "{0} min", about: "About this panel: {0}", count: "Count",
    "error.cluster": "OpenSearch did not answer, or refused.", "error.query": "The search is not understood. Look at quotes, brackets and colons.",
    "error.period": "The period is not understood.", "error.object": "This panel cannot be shown.",
    "error.network": "This page's server does not answer. Does central preview still run?", "error.page": "This panel could not be read.",
    missing: "There is no data of this kind in the cluster yet.", "error.draw": "The chart could not be drawn.", retry: "Try again",
  },
};

let current = "pt-BR";

/** Chooses the language of everything that is said from now on. */
export function speak(language) {
  current = language in WORDS ? language : "en";
  document.documentElement.lang = current;
}

/** The language, as Intl takes it. */
export const language = () => current;

/** Gives a text; `{0}` and `{1}` stand for the values. */
export function say(key, ...values) {
  return WORDS[current][key].replace(/\{(\d)\}/g, (_, at) => values[at]);
}

/** Gives what failed in words: one of the kinds that the server tells; without one the chart. */
export const failure = (kind) => WORDS[current][`error.${kind ?? "draw"}`] ?? say("error.page");

/** What a language calls itself. */
export const nameOf = (code) => WORDS[code]?.language ?? code;
